package diagnose

import (
	"cmp"
	"fmt"
	"slices"

	"isthmus/internal/certs"
	"isthmus/internal/federation"
)

// AskServer is the page on which a server is asked for its certificate. It is for those who may change something.
const AskServer = "/tls-peer-subjects/new#from-certificate"

// trustedCA is done when a certificate of the deployment was found good: how many CAs are trusted says nothing of whether its
// own is among them.
func (f TaskFacts) trustedCA() Task {
	t := f.found("trusted_cas", "Trust the CA of its certificates", trustedCAs)
	if t.State != Done {
		return t
	}
	shown := f.shown()
	if len(shown) == 0 {
		t.State, t.Page = Unknown, AskServer
		t.Text = "Not known yet: no server of the deployment was seen with a certificate. Ask one for it."
		return t
	}
	if i := slices.IndexFunc(shown, func(p federation.PeerCertificate) bool { return !p.Verified }); i >= 0 {
		t.State = Open
		t.Text = fmt.Sprintf("The certificate of %s at %s could not be verified. See that its CA, %s, is trusted here and that it is in date, then ask the server again.",
			shown[i].CommonName, shown[i].Address, cmp.Or(shown[i].Issuer, "which it does not name"))
		return t
	}
	t.State, t.Text = f.vouched(shown)
	return t
}

// shown are the certificates that servers of the deployment showed, of each address the one that was seen last. By its name
// alone only one that was verified is theirs.
func (f TaskFacts) shown() []federation.PeerCertificate {
	a := f.Deployment.Answers
	return slices.DeleteFunc(slices.Clone(f.Peers), func(p federation.PeerCertificate) bool {
		theirs := a.Holds(p.Host) || a.Holds(p.Address) || p.Verified && slices.Contains(a.Subjects(), p.CommonName)
		return !theirs || slices.ContainsFunc(f.Peers, func(o federation.PeerCertificate) bool {
			return o.Address == p.Address && o.SeenAt.After(p.SeenAt)
		})
	})
}

// vouched tells which CA vouches for certificates that were verified. An intermediate that came along in the handshake is not
// kept, so what stands above it is known as of that moment only.
func (f TaskFacts) vouched(shown []federation.PeerCertificate) (TaskState, string) {
	issuers := certs.IssuersIn(f.Snapshot.Certificates)
	state, text := Open, ""
	for _, p := range shown {
		names, whole := issuers.Above(p.Issuer)
		if i := slices.IndexFunc(names, f.trusts); i >= 0 {
			return Done, fmt.Sprintf("The certificate of %s at %s chains to %s, which is trusted.", p.CommonName, p.Address, names[i])
		}
		if !whole {
			state, text = Done, fmt.Sprintf("The certificate of %s at %s, issued by %s, was verified when it was seen on %s.", p.CommonName, p.Address, p.Issuer, p.SeenAt.UTC().Format("2 January 2006, 15:04 UTC"))
		}
	}
	return state, cmp.Or(text, fmt.Sprintf("%s, which issued the certificate of %s, is trusted no more. Trust it again.", shown[0].Issuer, shown[0].CommonName))
}

func (f TaskFacts) trusts(ca string) bool {
	return federation.TrustsName(f.Snapshot.Certificates, ca)
}
