package certs

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

var (
	oidPKCS7      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// elements cuts DER into the elements that stand one after another, without looking into them; ok is false when it is
// no such list, or has more than limit. Zeros are elements, too, but no list of certificates that is too long.
func elements(der cryptobyte.String, limit int) (list [][]byte, tooMany, ok bool) {
	for !der.Empty() {
		var element cryptobyte.String
		if !der.ReadAnyASN1Element(&element, new(tag.Tag)) {
			return nil, false, false
		}
		if len(list) == limit {
			return nil, element[0] == 0x30, false
		}
		list = append(list, element)
	}
	return list, false, true
}

// isPKCS7 reports whether DER begins as a ContentInfo of PKCS #7 does (RFC 2315 section 7), and whether of SignedData.
// content is what it holds.
func isPKCS7(der []byte) (content cryptobyte.String, signed, ok bool) {
	input := cryptobyte.String(der)
	var info cryptobyte.String
	var kind asn1.ObjectIdentifier
	if !input.ReadASN1(&info, tag.SEQUENCE) || !input.Empty() || !info.ReadASN1ObjectIdentifier(&kind) {
		return nil, false, false
	}
	if len(kind) != len(oidPKCS7)+1 || !kind[:len(oidPKCS7)].Equal(oidPKCS7) {
		return nil, false, false
	}
	return info, kind.Equal(oidSignedData), true
}

// chainOfPKCS7 are the certificates of a SignedData (RFC 2315 section 9.1), each in DER and unread. Nothing is verified:
// a chain without its signers is the usual case, and whom to trust is asked of the certificates themselves.
func chainOfPKCS7(content cryptobyte.String, limit int) (list [][]byte, tooMany, ok bool) {
	var explicit, signed, certificates cryptobyte.String
	present := false
	read := content.ReadASN1(&explicit, tag.Tag(0).ContextSpecific().Constructed()) && content.Empty() &&
		explicit.ReadASN1(&signed, tag.SEQUENCE) && explicit.Empty() &&
		signed.SkipASN1(tag.INTEGER) && // version
		signed.SkipASN1(tag.SET) && // digest algorithms
		signed.SkipASN1(tag.SEQUENCE) && // what is signed
		signed.ReadOptionalASN1(&certificates, &present, tag.Tag(0).ContextSpecific().Constructed()) &&
		signed.SkipOptionalASN1(tag.Tag(1).ContextSpecific().Constructed()) && // revocation lists
		signed.SkipASN1(tag.SET) && signed.Empty() // signers
	if !read {
		return nil, false, false
	}
	return elements(certificates, limit)
}

// isPKCS12 reports whether DER begins as a PFX does: version 3, then a ContentInfo (RFC 7292 section 4).
func isPKCS12(der []byte) bool {
	input := cryptobyte.String(der)
	var pfx cryptobyte.String
	var version int
	return input.ReadASN1(&pfx, tag.SEQUENCE) && pfx.ReadASN1Integer(&version) && version == 3 && pfx.PeekASN1Tag(tag.SEQUENCE)
}

// isIndefinite reports whether a file begins with an element of indefinite length, which BER knows and DER does not.
func isIndefinite(file []byte) bool { return len(file) > 1 && file[0] == 0x30 && file[1] == 0x80 }
