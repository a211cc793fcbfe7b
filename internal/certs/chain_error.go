package certs

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A doubted is a chain that crypto/x509 does not verify, and all that is needed to say why.
type doubted struct {
	verifier
	shown   []*x509.Certificate // the peer's own first
	options x509.VerifyOptions
}

// why turns what crypto/x509 says about the chain into a reason and a sentence.
func (d doubted) why(err error) *PeerError {
	e := &PeerError{Subject: title(d.shown[0])}
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	var extension x509.UnhandledCriticalExtension
	switch {
	case errors.As(err, &invalid):
		e.Reason, e.Detail = d.invalid(invalid)
	case errors.As(err, &authority):
		e.Reason, e.Detail = d.unknown(authority.Cert, err)
	case errors.As(err, &extension):
		e.Reason, e.Detail = ReasonChain, d.critical()
	case strings.Contains(err.Error(), "signature check attempts limit"): // no typed error; a test holds its words
		e.Reason = ReasonChain
		e.Detail = fmt.Sprintf("%d certificates are shown, and there are too many ways from that of %q to a trusted CA to try them all; let the peer show its own and the CAs above it alone.",
			len(d.shown), d.leaf())
	default:
		e.Reason, e.Detail = d.unverified(err)
	}
	return e
}

// unverified is about what nothing better is known of than the library's words.
func (d doubted) unverified(err error) (reason, detail string) {
	return ReasonChain, fmt.Sprintf("the certificate that claims to be %q cannot be verified (%s); have it reissued.", d.leaf(), plain(err.Error()))
}

// leaf is what the peer claims to be.
func (d doubted) leaf() string { return clip(title(d.shown[0])) }

// plain are the words of an error without the library's name.
func plain(text string) string { return clipError(strings.ReplaceAll(text, "x509: ", "")) }

// invalid is about one certificate, the peer's or one above it.
func (d doubted) invalid(cause x509.CertificateInvalidError) (reason, detail string) {
	switch cause.Reason {
	case x509.Expired:
		return dateRefusal(cause.Cert, d.options.CurrentTime)
	case x509.IncompatibleUsage:
		return d.usageLacks()
	case x509.NotAuthorizedToSign:
		return ReasonIssuer, fmt.Sprintf("the certificate that claims to be %q was issued by %q%s", d.leaf(), clip(title(cause.Cert)), noAuthority)
	case x509.TooManyIntermediates:
		return ReasonChain, fmt.Sprintf("the CA %q has more CAs below it than it may have, up to %q; have the certificate issued by another CA.", clip(title(cause.Cert)), d.leaf())
	case x509.CANotAuthorizedForThisName:
		return ReasonChain, fmt.Sprintf("a CA above %q may not issue for all of its names (%s); have the certificate reissued by another CA, or without those names.", d.leaf(), plain(cause.Detail))
	}
	return d.unverified(cause)
}

const noAuthority = ", which is not a CA and may issue none; have it issued by a CA."

// usageLacks names who lacks the usage: all that is above a certificate has to have it too, as far as it names any.
func (d doubted) usageLacks() (reason, detail string) {
	use, options := usageName[d.usage], d.options
	options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	ways, _ := d.shown[0].Verify(options)
	for _, way := range ways {
		i := slices.IndexFunc(way, func(c *x509.Certificate) bool { return !allows(c, d.usage) })
		if i > 0 {
			return ReasonIssuer, fmt.Sprintf("the CA %q may not issue certificates for %s, so that of %q is not good for it; have it issued by another CA.", clip(title(way[i])), use, d.leaf())
		}
	}
	return ReasonUsage, fmt.Sprintf("the certificate of %q lacks the enhanced key usage %s; have it reissued for server and client authentication.", d.leaf(), use)
}

// unknown: nobody who is trusted vouches for top, the peer's certificate or the last above it that was found. When a CA of
// its issuer's name is trusted, importing one more of that name is bad advice.
func (d doubted) unknown(top *x509.Certificate, err error) (reason, detail string) {
	for _, above := range d.above(top, d.authorities) {
		failed := top.CheckSignatureFrom(above)
		if _, ok := errors.AsType[x509.InsecureAlgorithmError](failed); ok {
			return ReasonChain, fmt.Sprintf("the certificate of %q is signed with %s, which cannot be verified any more; have it reissued with SHA-256.", clip(title(top)), top.SignatureAlgorithm)
		}
		if failed != nil && !unfit(failed) {
			return ReasonSignature, fmt.Sprintf("the certificate that claims to be %q names the trusted CA %q as its issuer, but that CA's key did not sign it; it is forged, or comes from another CA of that name: ask who runs %q.",
				clip(title(top)), clip(title(above)), clip(title(above)))
		}
	}
	for _, above := range d.above(top, slices.Concat(d.authorities, d.shown)) {
		if unfit(top.CheckSignatureFrom(above)) {
			return ReasonIssuer, fmt.Sprintf("the certificate that claims to be %q was issued by %q%s", clip(title(top)), clip(title(above)), noAuthority)
		}
	}
	return ReasonUnknownCA, fmt.Sprintf("the certificate that claims to be %q was issued by %q, which is not among the trusted CAs; import that CA if it is yours.%s", d.leaf(), clip(issuer(d.shown[0])), hint(err))
}

// above are those that have the name of a certificate's issuer; one that signed itself is among them.
func (d doubted) above(c *x509.Certificate, among []*x509.Certificate) (found []*x509.Certificate) {
	for _, a := range among {
		if bytes.Equal(a.RawSubject, c.RawIssuer) {
			found = append(found, a)
		}
	}
	return found
}

// unfit reports that a certificate may sign none, whatever it signed.
func unfit(err error) bool {
	_, ok := errors.AsType[x509.ConstraintViolationError](err)
	return ok
}

// critical names the extension, as crypto/x509 does not. Among the trusted CAs any may be the one.
func (d doubted) critical() string {
	for _, c := range slices.Concat(d.shown, d.authorities) {
		if len(c.UnhandledCriticalExtensions) > 0 {
			return fmt.Sprintf("the certificate of %q has the critical extension %s, which is not known here; have it reissued without that extension.", clip(title(c)), c.UnhandledCriticalExtensions[0])
		}
	}
	return fmt.Sprintf("a certificate above %q has a critical extension that is not known here; have it reissued without that extension.", d.leaf())
}
