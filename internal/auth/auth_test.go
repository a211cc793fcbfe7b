package auth

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMain(m *testing.M) {
	Cost = Costs{MemoryKiB: 64, Iterations: 1}
	os.Exit(m.Run())
}

func TestRolesHoldWhatTheContractSays(t *testing.T) {
	for role, want := range map[Role][3]bool{
		Viewer: {true, false, false}, Operator: {true, true, false}, Admin: {true, true, true}, "root": {}, "": {},
	} {
		got := [3]bool{role.May(Read), role.May(Change), role.May(Administer)}
		if got != want || role.Valid() != want[0] {
			t.Errorf("%q: %v valid %v, want %v", role, got, role.Valid(), want)
		}
	}
	if Admin.May(Right(0)) {
		t.Error("a right that does not exist is given to nobody")
	}
}

func TestAPasswordIsVerifiedAgainstItsHashOnly(t *testing.T) {
	hash, err := Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$") || strings.Contains(hash, "horse") {
		t.Errorf("the hash is %q", hash)
	}
	for password, want := range map[string]bool{"correct horse battery": true, "Correct horse battery": false,
		"correct horse battery ": false, "": false, strings.Repeat("x", 5000): false} {
		if got := Verify(password, hash); got != want {
			t.Errorf("%.40q: %v, want %v", password, got, want)
		}
	}
	for _, broken := range []string{"", "$argon2id$", "plain", strings.Replace(hash, "argon2id", "argon2i", 1)} {
		if Verify("correct horse battery", broken) {
			t.Errorf("%q verified", broken)
		}
	}
}

func TestTheDummyOfAnUnknownNameNeverVerifies(t *testing.T) {
	if Verify("nobody's password", "") || Verify("", "") {
		t.Error("an unknown name has a password")
	}
}

func TestManyLoginsAtOnceAllGetTheirAnswer(t *testing.T) {
	hash, err := Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if !Verify("correct horse battery", hash) {
				t.Error("refused")
			}
		})
	}
	wait.Wait()
}

func TestAHashWaitsForItsTurn(t *testing.T) {
	hash, err := Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	for name, work := range map[string]func(){
		"hash": func() { _, _ = Hash("correct horse battery") }, "verify": func() { Verify("correct horse battery", hash) },
	} {
		synctest.Test(t, func(t *testing.T) {
			defer func(kept chan struct{}) { turns = kept }(turns)
			turns = make(chan struct{}, 1)
			done := takeTurn()
			var finished atomic.Bool
			go func() { work(); finished.Store(true) }()
			if synctest.Wait(); finished.Load() {
				t.Errorf("%s: did not wait while another was made", name)
			}
			done()
			if synctest.Wait(); !finished.Load() || len(turns) != 0 {
				t.Errorf("%s: finished %v, %d turns are kept", name, finished.Load(), len(turns))
			}
		})
	}
}

// quickest is the best time of some tries, because the machine does other things too.
func quickest(do func()) time.Duration {
	best := time.Hour
	for range 20 {
		start := time.Now()
		do()
		best = min(best, time.Since(start))
	}
	return best
}

func TestAnUnknownNameTakesAsLongAsAWrongPassword(t *testing.T) {
	hash, err := Hash("correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	wrong, unknown := quickest(func() { Verify("wrong", hash) }), quickest(func() { Verify("wrong", "") })
	if 4*unknown < wrong {
		t.Errorf("an unknown name is answered after %v, a wrong password after %v", unknown, wrong)
	}
}

func TestPasswordRules(t *testing.T) {
	for password, want := range map[string]string{
		"correct horse battery":              "",
		"påske-egg og sjokolade":             "",
		" blanks stand where set ":           "",
		strings.Repeat("ab1 x", 51):          "",
		"short":                              "at least 12",
		strings.Repeat("abcde", 52):          "at most 256",
		"aaaaaaaaaaaaaaaa":                   "repeats",
		"abababababab":                       "repeats",
		"isthmusISTHMUS1":                    "tries first",
		"Password1234!":                      "tries first",
		"123456789012":                       "tries first",
		"margaretmargaret":                   "tries first",
		"Margaret2026!":                      "tries first",
		"bad\xffbytes in here":               "no characters",
		"eleven char":                        "at least 12",
		"twelve chars":                       "",
		strings.Repeat("åbcdefg ", 32):       "",
		strings.Repeat("åbcdefg ", 32) + "x": "at most 256",
		"abcdabcdabcd":                       "repeats",
		"margaretqzvkx":                      "tries first",
		"MARGARETqzvkxw":                     "",
	} {
		err := CheckPassword(password, "margaret")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%.40q: %v, want %q", password, err, want)
		}
	}
}

func TestANameOfTwoLettersTakesNothingFromAPassword(t *testing.T) {
	if err := CheckPassword("ananananqzvkx", "an"); err != nil {
		t.Error(err)
	}
	if err := CheckPassword("anaanaanaqzvkx", " Ana "); err == nil {
		t.Error("a password that is little more than the name is taken")
	}
}

func TestAPasswordTooLongToBeSetIsNeverVerified(t *testing.T) {
	for length, want := range map[int]bool{256: true, 257: false} {
		password := strings.Repeat("å", length)
		hash, err := Hash(password)
		if err != nil || Verify(password, hash) != want {
			t.Errorf("%d characters: %v, want %v", length, err, want)
		}
	}
}

func TestNamesOfAdministrators(t *testing.T) {
	for in, want := range map[string]string{strings.Repeat("a", 64): strings.Repeat("a", 64), " Ann.Lee@Synergy.com ": "ann.lee@synergy.com", "": "", "a b": "", "<b>": "", "ann\x00": "", strings.Repeat("a", 65): ""} {
		if got, err := CheckName(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", in, got, err)
		}
	}
}

func TestTheActorIsTheProgramItselfWhereNobodyIsNamed(t *testing.T) {
	if got := ActorFrom(context.Background()).Name; got != "isthmus" {
		t.Errorf("%q", got)
	}
	if got := ActorFrom(WithActor(context.Background(), Actor{Address: "127.0.0.1"})); got.Name != "isthmus" || got.Address != "127.0.0.1" {
		t.Errorf("%+v", got)
	}
	ann := Actor{Name: "ann", Role: Admin, Address: "127.0.0.1", Request: "r1"}
	if got := ActorFrom(WithActor(context.Background(), ann)); got != ann {
		t.Errorf("%+v", got)
	}
}
