package web

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"isthmus/internal/federation"
)

// fill reads posted fields into the struct that into points to, by its yaml tags. A field that was not posted
// stays as it is, which in a new thing is its default. Pages post a hidden value beside each tick box and list, so that
// one without a tick is off or empty, and not left out.
func fill(posted url.Values, into any) federation.Invalid {
	var invalid federation.Invalid
	eachField(into, func(name string, v reflect.Value) {
		if err := set(v, posted, name); err != nil {
			invalid = append(invalid, federation.Problem{Path: name, Text: err.Error()})
		}
	})
	return invalid
}

func set(v reflect.Value, posted url.Values, name string) error {
	if !posted.Has(name) {
		return nil
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(slices.ContainsFunc(posted[name], isOn))
		return nil
	case reflect.Slice:
		v.Set(reflect.ValueOf(chosen(posted[name])))
		return nil
	}
	text := strings.TrimSpace(posted.Get(name))
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return u.UnmarshalText([]byte(text))
	}
	if v.Kind() == reflect.Int {
		return setNumber(v, name, text)
	}
	v.SetString(posted.Get(name))
	return nil
}

func isOn(posted string) bool { return posted == "true" || posted == "on" || posted == "1" }

func setNumber(v reflect.Value, name, text string) error {
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("Enter the %s as a whole number, in digits alone.", strings.ReplaceAll(name, "_", " "))
	}
	v.SetInt(int64(n))
	return nil
}

// chosen are the values that are not empty.
func chosen(list []string) []string {
	out := []string{}
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// spread is the opposite of fill: the fields of a struct as a form holds them.
func spread(from any) url.Values {
	values := url.Values{}
	eachField(from, func(name string, v reflect.Value) {
		switch x := v.Interface().(type) {
		case []string:
			values[name] = x
		default:
			values.Set(name, fmt.Sprint(x))
		}
	})
	return values
}

// typed is what a refused form shows: everything as it was typed, and what was not posted as it was read.
func typed(posted url.Values, read any) url.Values {
	values := spread(read)
	for name, text := range posted {
		values[name] = text
	}
	return values
}

// eachField calls do with every field that the configuration document knows, by its name there.
func eachField(object any, do func(name string, v reflect.Value)) {
	v := reflect.ValueOf(object).Elem()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			do(name, v.Field(i))
		}
	}
}

// asInvalid makes a refusal of what a form asked for a problem of that field ("": of the form as a whole), so that it
// comes back with what was typed. Other errors stay as they are.
func asInvalid(err error, field string) error {
	var refusal federation.Refusal
	if errors.As(err, &refusal) {
		return federation.Invalid{{Path: field, Text: refusal.Error()}}
	}
	return err
}

// fingerprint tells one state of an object from another.
func fingerprint(object any) string {
	sum := sha256.Sum256([]byte(spread(object).Encode()))
	return hex.EncodeToString(sum[:12])
}

// stale is the problem of a form that was opened before somebody else saved its object, nil when there is none. A form
// without a fingerprint, such as a script's, means what it says, and one that asks for what is so already has nothing to
// overwrite: Save pressed twice is no conflict.
func stale(posted url.Values, current normalizer) federation.Invalid {
	if !posted.Has("was") || posted.Get("was") == fingerprint(current) {
		return nil
	}
	values, others := spread(current), differing(posted, current)
	if len(others) == 0 {
		return nil
	}
	text := "This was saved after you opened it, by somebody else or in another window."
	for _, name := range others {
		text += fmt.Sprintf(" %s is now %q.", capital(strings.ReplaceAll(name, "_", " ")), strings.Join(values[name], ", "))
	}
	return federation.Invalid{{Text: text + " Save again to put what stands below in its place."}}
}

// A normalizer has fields in canonical form.
type normalizer interface{ Normalize() }

// differing are the posted fields that would make the object another one, in alphabetical order. They are read as a save
// reads them; what cannot be read differs.
func differing(posted url.Values, current normalizer) []string {
	wanted := reflect.New(reflect.TypeOf(current).Elem())
	wanted.Elem().Set(reflect.ValueOf(current).Elem())
	p := wanted.Interface().(normalizer)
	invalid := fill(posted, p)
	p.Normalize()
	var names []string
	now, then := spread(current), spread(p)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if posted.Has(name) && (len(invalid.Of(name)) > 0 || !slices.Equal(now[name], then[name])) {
			names = append(names, name)
		}
	}
	return names
}

// withRules adds what the object's own rules say to what could not even be read, so that all faults are told at once.
func withRules(invalid federation.Invalid, object interface{ Problems() []federation.Problem }) federation.Invalid {
	for _, p := range object.Problems() {
		if len(invalid.Of(p.Path)) == 0 {
			invalid = append(invalid, p)
		}
	}
	return invalid
}
