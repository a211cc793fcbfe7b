//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// exposure is what systemd's own judgement of a unit's sandbox may be, from 0 for none to 10 for all of the machine.
const exposure = 2.0

var exposed = regexp.MustCompile(`Overall exposure level for isthmus\.service: ([0-9.]+)`)

func TestTheUnitIsUnderstoodAndExposesLittle(t *testing.T) {
	text, err := os.ReadFile("../../docs/isthmus.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "isthmus.service")
	// Only the program has another place here.
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/local/bin/isthmus", programs.isthmus)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", unit).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", unit).CombinedOutput()
	found := exposed.FindSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("systemd-analyze security: %v\n%s", err, out)
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > exposure {
		t.Errorf("the exposure is %s, more than %.1f:\n%s", found[1], exposure, out)
	}
}
