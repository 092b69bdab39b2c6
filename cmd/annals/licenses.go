package main

import (
	"os"

	"annals/deploy/licenses"
)

// Licenses is the command that prints the notices of what others wrote.
type Licenses struct{}

// Run implements the command.
func (Licenses) Run() error { return licenses.Write(os.Stdout) }
