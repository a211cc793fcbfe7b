package routing

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"isthmus/internal/federation"
)

// junk is what somebody may write into a row by hand. None of it is a pattern that lets everybody in.
var junk = []string{"", " ", ".", "..", "*", "%", "\x00", "\xff\xfe", "-", ":", "@", "[::", "[::]:0", "0", "-1", "127.0.0.", "10.1.0.0/99", "/", "null",
	"sip:", "SYNERGY.COM", "a..b", strings.Repeat("x", 70000), "127.0.0.11:99999", "no such value", "\r\nVia: x", "例え.テスト"}

// A leaf is one value of a snapshot: the place of it in words, and what writes something else there.
type leaf struct {
	place string
	spoil func(r *rand.Rand)
}

// leaves are all texts, numbers and lists under a value. Yes and no are left out: either is what somebody may mean.
func leaves(place string, v reflect.Value) (list []leaf) {
	switch v.Kind() {
	case reflect.String:
		return []leaf{{place, func(r *rand.Rand) { v.SetString(junk[r.IntN(len(junk))]) }}}
	case reflect.Int, reflect.Int64:
		numbers := []int64{-1, 0, 1, 65536, 1 << 40, -1 << 62}
		return []leaf{{place, func(r *rand.Rand) { v.SetInt(numbers[r.IntN(len(numbers))]) }}}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				list = append(list, leaves(place+"."+v.Type().Field(i).Name, v.Field(i))...)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return nil
		}
		list = append(list, leaf{place + " lost", func(*rand.Rand) { v.SetZero() }}, leaf{place + " doubled", func(*rand.Rand) { v.Set(reflect.AppendSlice(v, v)) }})
		for i := range v.Len() {
			list = append(list, leaves(fmt.Sprintf("%s[%d]", place, i), v.Index(i))...)
		}
	}
	return list
}

// judges asks a policy about a stranger in every way that there is, and about requests that are let in.
func judges(t *testing.T, p *Policy) {
	t.Helper()
	tls, unnamed, udp := fromStranger, fromStranger, fromStranger
	tls.TLS, tls.VerifyClient, tls.Subject, tls.Listener = true, true, "evil.example.net", fromFrontEnd.Listener
	unnamed.TLS, unnamed.VerifyClient, unnamed.Listener = true, true, fromFrontEnd.Listener
	udp.UDP = true
	for _, stranger := range []Peer{fromStranger, tls, unnamed, udp} {
		if v := p.Admit(stranger); v.Allowed {
			t.Errorf("the stranger %+v is let in", stranger)
		}
	}
	p.Admit(fromFrontEnd)
	p.Admit(fromConnector)
	for _, from := range []Peer{fromFrontEnd, fromConnector} {
		for _, target := range []string{"sip:ann@synergy.com", "sip:bob@synergy.com", "sip:carl@remote.com", "sip:imp1.synergy.com", "sip:lost@synergy.com", "sip:x@nowhere.org"} {
			r, err := p.Read(message(t, "INVITE", target), p.Admit(from), testKey)
			if err != nil {
				t.Fatal(err)
			}
			p.Decide(&r, people)
		}
	}
}

// A row that was written by hand makes the policy refuse as a whole, or harms itself alone: nobody panics, and no
// stranger gets in.
func TestAValueThatIsSpoiledOpensNothingAndEndsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	spoiled := cluster()
	places := len(leaves("", reflect.ValueOf(&spoiled.Configuration).Elem()))
	if places < 100 {
		t.Fatalf("only %d values are spoiled", places)
	}
	compiled := 0
	for i := range places {
		for range 6 {
			compiled += spoil(t, r, i)
		}
	}
	for range 500 {
		compiled += spoil(t, r, r.IntN(places), r.IntN(places), r.IntN(places))
	}
	if compiled == 0 {
		t.Error("nothing was compiled, so nothing was asked")
	}
}

// spoil compiles the fixture with some values spoiled, and returns how many policies that gave.
func spoil(t *testing.T, r *rand.Rand, places ...int) (compiled int) {
	t.Helper()
	s := cluster()
	for i := range s.Nodes {
		s.Nodes[i].Services = append([]string(nil), federation.Services...) // not the shared list
	}
	what := ""
	for _, i := range places {
		list := leaves("", reflect.ValueOf(&s.Configuration).Elem())
		l := list[i%len(list)]
		l.spoil(r)
		what += " " + l.place
	}
	defer func() {
		if fault := recover(); fault != nil {
			t.Errorf("spoiled%s: %v", what, fault)
		}
		if t.Failed() {
			t.Fatalf("spoiled:%s", what)
		}
	}()
	p, err := Compile(s, "imp1.synergy.com")
	if err != nil {
		return 0
	}
	judges(t, p)
	return 1
}
