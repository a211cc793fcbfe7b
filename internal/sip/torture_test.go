package sip_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// tortured are the messages of RFC 4475 and RFC 5118 by name.
func tortured(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/torture/*.sip")
	if err != nil || len(files) == 0 {
		t.Fatalf("no messages: %v", err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		if all[strings.TrimSuffix(filepath.Base(f), ".sip")], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestTortureMessages: the table's last verdict is that over UDP, where a message ends as Parse has it.
func TestTortureMessages(t *testing.T) {
	table, err := os.ReadFile("testdata/torture/fates.txt")
	if err != nil {
		t.Fatal(err)
	}
	messages := tortured(t)
	for _, row := range regexp.MustCompile(`(?m)^([a-z]\S*) .* (\S+) {2,}\S.*$`).FindAllStringSubmatch(string(table), -1) {
		t.Run(row[1], func(t *testing.T) {
			m := new(sip.Message)
			status, refused := statusOf(m.Parse(messages[row[1]]))
			switch want := row[2]; {
			case want == "400" || want == "505":
				equal(t, "status", strconv.Itoa(status), want)
				equal(t, "answerable", m.Answerable(), true)
			case want == "discarded":
				equal(t, "answerable", m.Answerable(), false)
			default:
				equal(t, "refused", refused, false)
			}
		})
	}
}

func statusOf(err error) (status int, refused bool) {
	var refusal *sip.Error
	if !errors.As(err, &refusal) {
		return 0, false
	}
	return refusal.Status, true
}
