package store

import (
	"encoding/json"
	"testing"
	"time"

	"isthmus/internal/federation"
)

// A snapshot that cannot be written to disk costs a node its start without the database.
func TestWhateverDatesAreStoredTheSnapshotCanBeWritten(t *testing.T) {
	s := filled(t)
	ok(t, s.SaveCertificates(t.Context(), []federation.Certificate{certificate("", "a", false), certificate("imp1.synergy.com", "b", false)}))
	ok(t, raw(t, s, `UPDATE certificates SET not_before = '0044-03-15 00:00:00Z BC', not_after = '10000-01-01 00:00:00Z'`))
	snapshot := must(s.Snapshot(t.Context()))
	if _, err := json.Marshal(snapshot); err != nil {
		t.Error(err)
	}
	for _, c := range append(must(s.Certificates(t.Context())), snapshot.Certificates...) {
		if last := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC); !c.NotBefore.IsZero() || !c.NotAfter.Equal(last) || c.NotAfter.Location() != time.UTC {
			t.Errorf("%s: from %v until %v", c.Subject, c.NotBefore, c.NotAfter)
		}
	}
}
