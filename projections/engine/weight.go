package engine

import (
	"reflect"

	"annals/events"
)

// weight is about how many bytes an event takes in memory: the texts and lists in it above all, and what is stored of it.
func weight(e events.Recorded) int {
	return weightOf(reflect.ValueOf(e.Event)) + len(e.Stored.Data) + len(e.Stored.Metadata)
}

func weightOf(v reflect.Value) int {
	n := int(v.Type().Size())
	switch v.Kind() {
	case reflect.String:
		return n + v.Len()
	case reflect.Slice:
		if elem := v.Type().Elem(); elem.Kind() == reflect.Uint8 || elem.Kind() == reflect.Array {
			return n + v.Len()*int(elem.Size())
		}
		for i := range v.Len() {
			n += weightOf(v.Index(i))
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			n += weightOf(key) + weightOf(value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			n += weightOf(v.Field(i))
		}
	}
	return n
}
