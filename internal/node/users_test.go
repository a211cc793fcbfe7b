package node

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"isthmus/internal/federation"
)

func fact(id, address, microsoft string) federation.UserFact {
	return federation.UserFact{UserID: id, Address: address, MicrosoftAddress: microsoft, Node: "imp1.synergy.com", Licensed: true}
}

func TestUsersAreFoundByBothAddresses(t *testing.T) {
	u := NewUsers()
	ann := fact("ann", "ann@synergy.com", "ann@lync.synergy.com")
	u.Change([]federation.UserFact{ann, {UserID: "bob", MicrosoftAddress: "bob@synergy.com"}}, nil)
	if got, ok := u.ByAddress("ann@synergy.com"); !ok || got != ann {
		t.Errorf("by IM address: %+v, %v", got, ok)
	}
	if got, ok := u.ByMicrosoftAddress("ann@lync.synergy.com"); !ok || got != ann {
		t.Errorf("by Microsoft address: %+v, %v", got, ok)
	}
	for _, nobody := range []string{"", "bob@synergy.com", "ann@lync.synergy.com"} {
		if got, ok := u.ByAddress(nobody); ok {
			t.Errorf("%q is %+v", nobody, got)
		}
	}
}

func TestAnAddressThatMovesToAnotherUserIsFoundInEveryOrder(t *testing.T) {
	before := []federation.UserFact{fact("a", "x@synergy.com", "m@synergy.com"), fact("b", "y@synergy.com", "m@synergy.com")}
	after := []federation.UserFact{fact("a", "y@synergy.com", ""), fact("b", "x@synergy.com", "m@synergy.com")}
	for promise, order := range map[string][]federation.UserFact{"a first": after, "b first": {after[1], after[0]}} {
		u := NewUsers()
		u.Replace(before)
		u.Change(order, nil)
		if got, _ := u.ByAddress("x@synergy.com"); got.UserID != "b" {
			t.Errorf("%s: x belongs to %q", promise, got.UserID)
		}
		if got, _ := u.ByMicrosoftAddress("m@synergy.com"); got.UserID != "b" {
			t.Errorf("%s: m belongs to %q", promise, got.UserID)
		}
	}
}

func TestAUserSpeltAnewIsTheSameOne(t *testing.T) {
	u := NewUsers()
	u.Change([]federation.UserFact{fact("Ann", "a@synergy.com", "")}, nil)
	u.Change([]federation.UserFact{fact("ANN", "b@synergy.com", "")}, nil)
	if _, old := u.ByAddress("a@synergy.com"); old || u.Len() != 1 {
		t.Errorf("%d users, the old address found: %v", u.Len(), old)
	}
	u.Change(nil, []string{"ann"})
	if u.Len() != 0 {
		t.Error("the user is not gone")
	}
}

// Whatever is changed in whatever order, the table knows what a plain map of users knows.
func TestUsersAgreeWithAPlainMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, plain := NewUsers(), map[string]federation.UserFact{}
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "id")
			if rapid.Bool().Draw(t, "gone") {
				delete(plain, id)
				u.Change(nil, []string{id})
				continue
			}
			f := fact(id, rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(t, "address"), rapid.SampledFrom([]string{"", "m", "n"}).Draw(t, "microsoft"))
			plain[id] = f
			u.Change([]federation.UserFact{f}, nil)
		}
		agree(t, u, plain)
	})
}

func agree(t *rapid.T, u *Users, plain map[string]federation.UserFact) {
	var want []federation.UserFact
	for _, f := range plain {
		want = append(want, f)
		if got, ok := u.ByAddress(f.Address); ok != (f.Address != "") || ok && got.Address != f.Address {
			t.Fatalf("%q finds %+v", f.Address, got)
		}
		if got, ok := u.ByMicrosoftAddress(f.MicrosoftAddress); ok != (f.MicrosoftAddress != "") || ok && got.MicrosoftAddress != f.MicrosoftAddress {
			t.Fatalf("%q finds %+v", f.MicrosoftAddress, got)
		}
	}
	byID := func(a, b federation.UserFact) int { return cmp.Compare(a.UserID, b.UserID) }
	got := slices.SortedFunc(slices.Values(u.All()), byID)
	if diff := gocmp.Diff(slices.SortedFunc(slices.Values(want), byID), got); diff != "" || u.Len() != len(plain) {
		t.Fatalf("%d users, want %d: %s", u.Len(), len(plain), diff)
	}
	for _, address := range []string{"x", "y", "z"} {
		_, found := u.ByAddress(address)
		if held := slices.ContainsFunc(want, func(f federation.UserFact) bool { return f.Address == address }); held != found {
			t.Fatalf("%s: found %v, held %v", address, found, held)
		}
	}
}

func manyUsers(n int) []federation.UserFact {
	list := make([]federation.UserFact, n)
	for i := range list {
		id := fmt.Sprintf("user%06d", i)
		list[i] = fact(id, id+"@synergy.com", strings.ToUpper(id)+"@synergy.com")
	}
	return list
}

func TestUsersAreReadWhileTheyChange(t *testing.T) {
	u, many := NewUsers(), manyUsers(5000)
	u.Replace(many)
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		defer close(stop)
		u.Change(many, nil)
		u.Replace(many)
	})
	for {
		if f, ok := u.ByAddress("user000042@synergy.com"); !ok || f.UserID != "user000042" {
			t.Fatalf("found %+v, %v", f, ok)
		}
		select {
		case <-stop:
			group.Wait()
			return
		default:
		}
	}
}

func TestAHundredThousandUsersFitInFortyMegabytes(t *testing.T) {
	many := manyUsers(100_000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	u := NewUsers()
	u.Replace(many)
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(many)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 40<<20 {
		t.Errorf("%d users take %d octets each", u.Len(), grown/int64(u.Len()))
	}
	if n := testing.AllocsPerRun(100, func() { u.ByAddress("user000042@synergy.com") }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}
