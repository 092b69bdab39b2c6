package serverlog

// Filter is what of the log somebody wants to be told as it is written; empty is everything.
type Filter struct {
	AgentName string
	// Level is the least; an unknown one is above all.
	Level string
	Type  string
}

// never is the level that an unknown name stands for, above all others.
const never = 70

// Fits tells whether an entry is wanted.
func (f Filter) Fits(e Entry) bool {
	if !every(f.AgentName) && f.AgentName != e.AgentName || f.Type != "" && f.Type != e.Type {
		return false
	}
	if every(f.Level) {
		return true
	}
	least, ok := Levels[f.Level]
	if !ok {
		least = never
	}
	return e.Level >= least
}

// Search is what of the kept entries somebody looks for (CONTRACT 4.10).
type Search struct {
	Since int64 // milliseconds
	// Level is exactly that; an unknown one is info.
	Level              string
	AgentName, AgentID string
	// Limit bounds what is found, the newest.
	Limit int
}

// Find gives the entries that are looked for, the oldest first, and how many are kept in all. Where few entries are about an
// agent at all, those that are not are found for every agent.
func (r *Ring) Find(s Search) (found []Entry, total int) {
	all := r.Entries()
	about := 0
	for _, e := range all {
		if e.AgentName != "" || e.AgentID != "" {
			about++
		}
	}
	few := 10*about < len(all)
	for _, e := range all {
		if e.Time >= s.Since && s.atLevel(e) && agent(s.AgentName, e.AgentName, few) && agent(s.AgentID, e.AgentID, few) {
			found = append(found, e)
		}
	}
	return found[max(0, len(found)-s.Limit):], len(all)
}

func (s Search) atLevel(e Entry) bool {
	if every(s.Level) {
		return true
	}
	level, ok := Levels[s.Level]
	if !ok {
		level = Levels["info"]
	}
	return e.Level == level
}

func agent(wanted, found string, few bool) bool {
	return every(wanted) || wanted == found || few && found == ""
}

func every(name string) bool { return name == "" || name == Everything }
