// Prints the Go side of every type that the API server serves: field order, what is left out when empty, and the
// names that its error messages use. The OpenAPI documents don't tell these.
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

type field struct {
	Name string `json:"n"`
	Type string `json:"t"`
	// o: left out when empty; z: left out when zero; i: fields of it are fields of this one
	Flags string `json:"f,omitempty"`
}

type goType struct {
	// As Go prints it: `v1.Container`.
	Name   string  `json:"name"`
	Kind   string  `json:"kind"`
	Own    bool    `json:"own,omitempty"` // has an UnmarshalJSON of its own
	Fields []field `json:"fields,omitempty"`
	Elem   string  `json:"elem,omitempty"`
}

var types = map[string]*goType{}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

func path(t reflect.Type) string {
	if t.Name() != "" && t.PkgPath() != "" {
		visit(t)
		return t.PkgPath() + "." + t.Name()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + path(t.Elem())
	case reflect.Slice:
		return "[]" + path(t.Elem())
	case reflect.Map:
		return "map[" + path(t.Key()) + "]" + path(t.Elem())
	}
	return t.String()
}

func visit(t reflect.Type) {
	key := t.PkgPath() + "." + t.Name()
	if _, seen := types[key]; seen {
		return
	}
	g := &goType{Name: t.String(), Kind: t.Kind().String(), Own: reflect.PointerTo(t).Implements(unmarshaler)}
	types[key] = g
	switch t.Kind() {
	case reflect.Struct:
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			tag := f.Tag.Get("json")
			if tag == "-" || f.PkgPath != "" {
				continue
			}
			parts := strings.Split(tag, ",")
			flags := ""
			inline := f.Anonymous && parts[0] == ""
			for _, p := range parts[1:] {
				switch p {
				case "omitempty":
					flags += "o"
				case "omitzero":
					flags += "z"
				case "inline":
					inline = true
				}
			}
			if inline {
				flags += "i"
			}
			g.Fields = append(g.Fields, field{parts[0], path(f.Type), flags})
		}
	case reflect.Slice, reflect.Map, reflect.Pointer:
		g.Elem = path(t.Elem())
	}
}

func main() {
	s := runtime.NewScheme()
	_ = scheme.AddToScheme(s)
	_ = apiextensions.AddToScheme(s)
	_ = apiregistration.AddToScheme(s)
	all := s.AllKnownTypes()
	kinds := map[string]string{}
	for gvk, t := range all {
		kinds[gvk.Group+"/"+gvk.Version+"/"+gvk.Kind] = path(t)
	}
	names := make([]string, 0, len(types))
	for n := range types {
		names = append(names, n)
	}
	sort.Strings(names)
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"types": types, "kinds": kinds})
}
