package models

import (
	"iter"
	"reflect"
)

// Roles of settings.
const (
	roleKey     = "key"
	roleAddress = "address"
	roleModel   = "model"
)

// field is one field of a struct of settings.
type field struct {
	value     reflect.Value
	env, role string
}

// fieldsOf yields the fields of a struct, those of one that a pointer leads to so that they can be set.
func fieldsOf(settings any) iter.Seq[field] {
	v := reflect.Indirect(reflect.ValueOf(settings))
	return func(yield func(field) bool) {
		for i := range v.NumField() {
			tag := v.Type().Field(i).Tag
			if !yield(field{v.Field(i), tag.Get("env"), tag.Get("role")}) {
				return
			}
		}
	}
}

// namesIn are the names in the environment of the settings in a struct and in the structs within.
func namesIn(settings any) (names []string) {
	for f := range fieldsOf(settings) {
		switch {
		case f.env != "":
			names = append(names, f.env)
		case f.value.Kind() == reflect.Struct:
			names = append(names, namesIn(f.value.Interface())...)
		}
	}
	return names
}
