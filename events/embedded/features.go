package embedded

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// serverVersion is the EventStoreDB release whose protocol this is: from 24 on subscriptions tell when they have caught up,
// from 25.1 on clients would try a protocol that is not spoken here.
const serverVersion = "24.10.0"

const (
	streamsService    = "event_store.client.streams.streams"
	persistentService = "event_store.client.persistent_subscriptions.persistentsubscriptions"
)

type featuresAPI struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods implements serverfeatures.ServerFeaturesServer. Clients choose their ways by this list, so only what
// is there may be in it.
func (featuresAPI) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	methods := &serverfeatures.SupportedMethods{EventStoreServerVersion: serverVersion}
	add := func(service, method string, features ...string) {
		methods.Methods = append(methods.Methods, &serverfeatures.SupportedMethod{
			ServiceName: service, MethodName: method, Features: features,
		})
	}
	add(streamsService, "read", "position", "events")
	add(streamsService, "append")
	add(streamsService, "batchappend", "deadline_duration")
	add(streamsService, "delete")
	add(streamsService, "tombstone")
	for _, method := range []string{
		"create", "update", "delete", "read", "getinfo", "replayparked", "list", "restartsubsystem",
	} {
		add(persistentService, method, "stream", "all")
	}
	add("event_store.client.gossip.gossip", "read")
	add("event_store.client.server_features.serverfeatures", "getsupportedmethods")
	return methods, nil
}

type gossipAPI struct {
	gossip.UnimplementedGossipServer
	instance uuid.UUID
}

// Read implements gossip.GossipServer: this node leads a cluster of one, at the address that the client has reached.
func (g gossipAPI) Read(ctx context.Context, _ *shared.Empty) (*gossip.ClusterInfo, error) {
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   wireUUID(g.instance, false),
		TimeStamp:    ticks(time.Now()),
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: reachedAt(ctx),
	}}}, nil
}

// reachedAt is the address by which the client knows the node: what it asked for, since its certificate has to be for that
// name and the port may be another one's who passes connections on; else where its connection ended.
func reachedAt(ctx context.Context) *gossip.EndPoint {
	for _, authority := range metadata.ValueFromIncomingContext(ctx, ":authority") {
		host, number, err := net.SplitHostPort(authority)
		port, invalid := strconv.ParseUint(number, 10, 16)
		if err == nil && invalid == nil && host != "" {
			return &gossip.EndPoint{Address: host, Port: uint32(port)}
		}
	}
	if p, ok := peer.FromContext(ctx); ok {
		if tcp, ok := p.LocalAddr.(*net.TCPAddr); ok {
			return &gossip.EndPoint{Address: tcp.IP.String(), Port: uint32(tcp.Port)}
		}
	}
	return &gossip.EndPoint{Address: "127.0.0.1"}
}
