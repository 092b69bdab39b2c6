package commands

import "annals/events"

// Fits tells whether what a command would make may be recorded, as though nothing was there yet. It is for a command that
// follows another: where it would be refused, the other must not have been carried out.
func Fits[S State[S]](codec *events.Codec, r Request, cmd Command[S]) error {
	var nothing S
	facts, err := cmd.Decide(r, nothing)
	if err != nil {
		return err
	}
	for _, fact := range facts {
		if err := codec.Check(fact); err != nil {
			return err
		}
	}
	return nil
}
