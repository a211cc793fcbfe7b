package federation

import "testing"

// A new database sends nothing to the Microsoft side until somebody says so (guide p.51).
func TestFederationIsOffInANewDatabase(t *testing.T) {
	if s := DefaultSettings(); s.PartitionedFederation || s.EmailFederation || s.RoutingMode != RoutingBasic {
		t.Errorf("the settings of a new database are %+v", s)
	}
}
