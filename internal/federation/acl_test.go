package federation

import "testing"

// What one program reads as one address and another program as another is refused.
func TestACLPatternsWithTwoMeaningsAreRefused(t *testing.T) {
	for _, typed := range []string{
		"010.1.1.1", "10.1.1", "127.1", "10.1.1.1.", "10.1.1.256", "0x0a.1.1.1", "167838209", "10.1.1.1:5060", "[2001:db8::1]",
		"10.1.1.1/33", "10.1.1.0/-1", "10.1.1.0/08", "10.1.1.1/255.255.255.0", "10.1.1.1-10.1.1.9", "10.1.*.*", "10.1.1.1 10.1.1.2",
		"fe80::1%eth0", "fe80::1%eth0/64", "::ffff:10.0.0.1/64", "::ffff:10.0.0.1/95", "::ffff:0:0/0",
		"", " ", "*", "any", "all,", "all.", "allow from", "foo", "foo..com", ".foo.com", "*.foo.com", "foo.com,bar.com", "foo.com/24", "http://foo.com",
	} {
		if got, err := ParseACLPattern(typed); err == nil {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
}

func TestARangeOfIPv4InIPv6IsARangeOfIPv4(t *testing.T) {
	for typed, want := range map[string]string{
		"::ffff:10.0.0.1/96": "0.0.0.0/0", "::ffff:10.0.0.9/104": "10.0.0.0/8", "::ffff:10.0.0.9/128": "10.0.0.9", " 10.1.1.77/24 ": "10.1.1.0/24",
		"0.0.0.0/0": "0.0.0.0/0", "::/0": "::/0", "2001:db8::77/64": "2001:db8::/64",
	} {
		if got, err := ParseACLPattern(typed); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", typed, got, err, want)
		}
	}
}

func TestAnEntryThatLeavesNobodyOutOfAFamilyOfAddressesAdmitsEverybody(t *testing.T) {
	for typed, want := range map[string]bool{
		"All": true, "0.0.0.0/0": true, "10.1.1.1/0": true, "::/0": true, "::ffff:10.0.0.1/96": true,
		"0.0.0.0/1": false, "::/1": false, "10.0.0.0/8": false, "0.0.0.0": false, "::": false, "all.com": false, "": false, "0.0.0.0/x": false,
	} {
		e := ACLEntry{Pattern: typed}
		e.Normalize()
		if got := e.AdmitsEverybody(); got != want {
			t.Errorf("%q: %v", typed, got)
		}
	}
}
