package main

import (
	"fmt"

	"annals/transport/httpapi"
)

// Routes is the command that lists what is served.
type Routes struct{}

// Run implements the command.
func (Routes) Run() error {
	for _, r := range httpapi.Routes() {
		if _, err := fmt.Println(r.Method, r.Path); err != nil {
			return err
		}
	}
	return nil
}
