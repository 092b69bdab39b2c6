package embedded

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// writeSystemEvents gives a fresh database the events that a fresh EventStoreDB has: its two users. Passwords are not in
// the log; they come with Options.
func (n *Node) writeSystemEvents(ctx context.Context) error {
	users := []struct{ login, name, group string }{
		{"admin", "Event Store Administrator", "$admins"},
		{"ops", "Event Store Operations", "$ops"},
	}
	for _, u := range users {
		user := "$user-" + u.login
		for _, w := range []struct{ stream, kind, data string }{
			{metaPrefix + user, typeMetadata, `{"$acl":{"$r":"$admins","$w":"$admins","$d":"$admins","$mr":"$admins","$mw":"$admins"}}`},
			{user, "$UserCreated", fmt.Sprintf(`{"loginName":%q,"fullName":%q,"disabled":false,"groups":[%q]}`, u.login, u.name, u.group)},
			{"$users", "$User", fmt.Sprintf("%q", u.login)},
		} {
			event := &record{ID: uuid.New(), Type: w.kind, JSON: true, Data: []byte(w.data)}
			if _, err := n.write(ctx, &write{stream: w.stream, expect: expectAny, events: []*record{event}}); err != nil {
				return fmt.Errorf("write the system events of a new log: %w", err)
			}
		}
	}
	return nil
}
