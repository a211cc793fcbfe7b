package federation

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOnlyPeersOfTodaysConfigurationAreWatched(t *testing.T) {
	s := Snapshot{Configuration: DefaultConfiguration()}
	route := func(hop, transport string) StaticRoute {
		r := NewStaticRoute()
		r.NextHop, r.Port, r.Transport = hop, 5061, transport
		return r
	}
	s.StaticRoutes = []StaticRoute{route("fe1.synergy.com", TLS), route("10.1.20.22", TLS), route("10.1.20.23", UDP)}
	s.TLSPeerSubjects = []TLSPeerSubject{{Name: "pool.synergy.com"}}
	s.Deployments = []Deployment{{Answers: Answers{Transport: TLS, FrontEnds: []Host{{FQDN: "fe4.synergy.com", Address: "10.1.20.24"}}}}}
	for promise, test := range map[string]struct {
		peer    PeerCertificate
		watched bool
		place   string
	}{
		"a next hop by name":                       {PeerCertificate{Host: "fe1.synergy.com", Address: "10.1.20.21", Source: SeenOpening}, true, "fe1.synergy.com:5061"},
		"a next hop by address":                    {PeerCertificate{Host: "10.1.20.22", Address: "10.1.20.22", Source: SeenProbing}, true, "10.1.20.22:5061"},
		"a front end that connected":               {PeerCertificate{Address: "10.1.20.24", Source: SeenAccepting}, true, "fe4.synergy.com:5061"},
		"who connected by a listed name":           {PeerCertificate{Address: "10.9.9.9", CommonName: "pool.synergy.com", Source: SeenAccepting}, true, ""},
		"who connected by a name not listed now":   {PeerCertificate{Address: "10.9.9.9", CommonName: "fe9.synergy.com", Source: SeenAccepting}, false, ""},
		"a next hop that is gone":                  {PeerCertificate{Host: "fe9.synergy.com", Address: "10.9.9.9", CommonName: "pool.synergy.com", Source: SeenOpening}, false, ""},
		"a probed server that is gone":             {PeerCertificate{Host: "10.9.9.9", Address: "10.9.9.9", CommonName: "pool.synergy.com", Source: SeenProbing}, false, ""},
		"a next hop that has come to be over UDP":  {PeerCertificate{Host: "10.1.20.23", Address: "10.1.20.23", Source: SeenOpening}, false, ""},
		"one that was a next hop and connects yet": {PeerCertificate{Host: "fe9.synergy.com", Address: "10.9.9.9", CommonName: "pool.synergy.com", Source: SeenAccepting}, true, ""},
	} {
		place := ""
		if p := s.PlacesOf()(test.peer); p != nil {
			place = p.String()
		}
		if got := len(s.Watched([]PeerCertificate{test.peer})) == 1; got != test.watched || place != test.place {
			t.Errorf("%s: watched %v, to be probed at %q", promise, got, place)
		}
	}
}

func TestWhatAPeerWroteIsCutAndPrintable(t *testing.T) {
	end := time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	p := PeerCertificate{CommonName: "a\x00\u202e", Issuer: strings.Repeat("x", 64<<10), Serial: strings.Repeat("ab:", 64<<10), NotBefore: time.Date(0, 2, 1, 0, 0, 0, 0, time.UTC), NotAfter: end}
	p.Tame()
	lengths := []int{len(p.Issuer), len(p.Serial)}
	if p.CommonName != `a\u0000\u202e` || !slices.Equal(lengths, []int{258, 258}) || p.NotBefore.Year() != 1 || p.NotAfter != end {
		t.Errorf("%+v", p)
	}
}
