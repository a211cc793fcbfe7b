package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"isthmus/internal/federation"
)

const node = "imp1.synergy.com"

func TestANodesCertificateIsRefusedWithASentencePerBrokenRule(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	good, private := ca.issue(t, node)
	stranger := newKey(t)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	issued := func(edit ...func(*x509.Certificate)) []byte {
		c, key := ca.issue(t, node, edit...)
		return pemOf(c, key)
	}
	otherName, otherKey := ca.issue(t, "imp2.synergy.com")
	traditional := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("x")})
	encrypted := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	for _, c := range []struct {
		promise   string
		file, key []byte
		want      []string // field: part of the sentence
	}{
		{"no key", pemOf(good), nil, []string{"key: The private key is missing"}},
		{"a foreign key", pemOf(good, stranger), nil, []string{"key: The private key belongs to another"}},
		{"a foreign key in a file of its own", pemOf(good), pemOf(stranger), []string{"key: The private key belongs to another"}},
		{"three keys", pemOf(good, private, stranger, stranger), nil, []string{"file: This file holds more than one private key; leave"}},
		{"two keys", pemOf(good, private, stranger), nil, []string{"key: There is more than one"}},
		{"a key alone", pemOf(private), nil, []string{"file: This file holds no certificate"}},
		{"a key with a passphrase", pemOf(good), encrypted, []string{"key: This private key is protected"}},
		{"a key with a passphrase in OpenSSL's own form", pemOf(good), traditional, []string{"key: This private key is protected"}},
		{"a key file without PEM", pemOf(good), []byte{1, 2, 3}, []string{"key: This file holds no private key in PEM form"}},
		{"garbage", []byte("hello"), nil, []string{"file: This file holds no certificate in PEM or DER"}},
		{"an empty file", nil, nil, []string{"file: This file holds no certificate in PEM or DER"}},
		{"garbage in a PEM block", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), nil, []string{"file: Certificate 1 of this file cannot be read"}},
		{"a request", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("x")}), nil, []string{"file: This file holds a PEM block"}},
		{"more than 1 MiB", make([]byte, MaxUpload+1), nil, []string{"file: This file has more than 1 MiB"}},
		{"another node's name", pemOf(otherName, otherKey), nil, []string{"file: This certificate is for imp2.synergy.com"}},
		{"another node's without its key", pemOf(ca.certificate, otherName), nil, []string{"file: This certificate is for imp2.synergy.com, not for the node imp1.synergy.com"}},
		{"a CA's without its key", pemOf(ca.certificate), nil, []string{"file: This certificate is for Root, not for the node"}},
		{"the node's among others, without its key", pemOf(otherName, good), nil, []string{"key: The private key is missing"}},
		{"a key file of more than 1 MiB", pemOf(good), append(pemOf(private), make([]byte, MaxUpload)...), []string{"key: This file has more than 1 MiB, which no private key needs; choose the key's own file."}},
		{"a key file of more than 1 MiB that holds no key", pemOf(good), make([]byte, MaxUpload+1), []string{"key: This file has more than 1 MiB, which no private key needs"}},
		{"expired", issued(valid(-2*time.Hour, -time.Hour)), nil, []string{"file: The certificate of \"imp1.synergy.com\" expired"}},
		{"not yet valid", issued(valid(time.Hour, 2*time.Hour)), nil, []string{"file: The certificate of \"imp1.synergy.com\" is valid from"}},
		{"no client usage", issued(usages(x509.ExtKeyUsageServerAuth)), nil, []string{"file: This certificate lacks the enhanced key usage client"}},
		{"no server usage", issued(usages(x509.ExtKeyUsageClientAuth)), nil, []string{"file: This certificate lacks the enhanced key usage server"}},
		{"a key for signing certificates alone", issued(keyUsage(x509.KeyUsageCertSign)), nil, []string{"file: This certificate lacks the key usage digital signature"}},
		{"a key for key exchange by RSA alone", issued(keyUsage(x509.KeyUsageKeyEncipherment)), nil, []string{"file: This certificate lacks the key usage digital signature"}},
		{"a key for nothing", issued(noKeyUsage), nil, []string{"file: This certificate lacks the key usage digital signature"}},
		{"signed with SHA-1", issued(signedWith(x509.ECDSAWithSHA1)), nil, []string{"file: This certificate is signed with ECDSA-SHA1"}},
		{"RSA of 1024 bits", pemOf(ca.issueTo(t, short.Public(), node), short), nil, []string{"file: The key of \"imp1.synergy.com\" has 1024 bits"}},
		{"a short curve", pemOf(ca.issueTo(t, curve.Public(), node), curve), nil, []string{"file: The key of \"imp1.synergy.com\" lies on the curve P-224"}},
		{"Ed25519", pemOf(ca.issueTo(t, edwards.Public(), node), edwards), nil, []string{"file: This private key is neither RSA nor ECDSA"}},
		{"all at once", issued(func(c *x509.Certificate) {
			c.Subject.CommonName = "x.synergy.com"
			valid(-2*time.Hour, -time.Hour)(c)
			usages(x509.ExtKeyUsageEmailProtection)(c)
		}), nil, []string{"file: This certificate is for", "expired", "server authentication", "client authentication"}},
	} {
		t.Run(c.promise, func(t *testing.T) {
			_, err := ImportOwn(k, node, now, c.file, c.key)
			var problems federation.Invalid
			if !errors.As(err, &problems) || len(problems) != len(c.want) {
				t.Fatalf("error %v, want %d problems", err, len(c.want))
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

func TestANodesCertificateIsTakenInEveryUsualForm(t *testing.T) {
	k, root := testKey(t), newAuthority(t, "Root")
	middle := authority{key: newKey(t)}
	middle.certificate = root.issueTo(t, middle.key.Public(), "Issuing", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
	})
	leaf, private := middle.issue(t, node)
	ec, _ := x509.MarshalECPrivateKey(private.(*ecdsa.PrivateKey))
	sec1 := append([]byte("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec})...)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})
	stray, before := newAuthority(t, "Stray").certificate, *middle.certificate
	before.RawSubject, before.Subject = nil, pkix.Name{CommonName: "Issuing of before"}
	for _, c := range []struct {
		promise   string
		file, key []byte
		links     int
	}{
		{"PEM with the key in it", pemOf(leaf, private), nil, 1},
		{"PEM and a key file", pemOf(leaf), pemOf(private), 1},
		{"a key file that repeats the certificate", pemOf(leaf), pemOf(leaf, private), 1},
		{"DER and a key file", leaf.Raw, pemOf(private), 1},
		{"key in the form of openssl ecparam", pemOf(leaf), sec1, 1},
		{"RSA in PKCS #1", pemOf(middle.issueTo(t, rsaKey.Public(), node)), pkcs1, 1},
		{"a chain", pemOf(leaf, middle.certificate, root.certificate), pemOf(private), 3},
		{"a chain from the root down, with a stray certificate", pemOf(stray, root.certificate, middle.certificate, leaf), pemOf(private), 3},
		{"the name in a SAN and in capitals", pemOf(middle.issueTo(t, private.Public(), "presence", dnsNames("IMP1.Synergy.com")), private), nil, 1},
		{"the usage of anything", pemOf(middle.issueTo(t, private.Public(), node, usages(x509.ExtKeyUsageAny)), private), nil, 1},
		{"beside its CA's key under another name", pemOf(sign(t, leaf, &before, private.Public(), middle.key), private, middle.certificate), nil, 1},
		{"no key usage extension: for anything", pemOf(middle.issueTo(t, private.Public(), node, keyUsage(0)), private), nil, 1},
		{"a CA's", pemOf(middle.issueTo(t, private.Public(), node, asAuthority), private), nil, 1},
		{"the Common Name beside other names", pemOf(middle.issueTo(t, private.Public(), node, dnsNames("pool.synergy.com")), private), nil, 1},
		{"said to be no CA's", pemOf(middle.issueTo(t, private.Public(), node, func(c *x509.Certificate) { c.BasicConstraintsValid = true }), private), nil, 1},
		{"no usage extension: for anything", pemOf(middle.issueTo(t, private.Public(), node, usages()), private), nil, 1},
	} {
		t.Run(c.promise, func(t *testing.T) {
			own, err := ImportOwn(k, node, now, c.file, c.key)
			if err != nil {
				t.Fatal(err)
			}
			chain, err := Chain(own)
			if err != nil || len(chain) != c.links || own.Purpose != federation.PurposeOwn || own.Node != node || own.SelfSigned {
				t.Fatalf("%d links of %+v, error %v; want %d", len(chain), own, err, c.links)
			}
			if bytes.Contains(own.Chain, []byte("PRIVATE")) || own.Fingerprint != Fingerprint(chain[0]) || own.Issuer == "" {
				t.Fatalf("the stored form is wrong: %+v", own)
			}
			opened, err := Unseal(k, own)
			if err != nil || len(opened.Certificate) != c.links {
				t.Fatalf("unsealed: %v", err)
			}
		})
	}
}

func TestAKeyMovedToAnotherCertificateIsRefused(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	first, firstKey := ca.issue(t, node)
	second, secondKey := ca.issue(t, node)
	a, _ := ImportOwn(k, node, now, pemOf(first, firstKey), nil)
	b, _ := ImportOwn(k, node, now, pemOf(second, secondKey), nil)
	a.EncryptedKey = b.EncryptedKey
	if _, err := Unseal(k, a); err == nil {
		t.Fatal("a key that was sealed for another certificate opened")
	}
}

func TestAStoredCertificateThatIsDamagedIsRefused(t *testing.T) {
	k, ca := testKey(t), newAuthority(t, "Root")
	leaf, private := ca.issue(t, node)
	good, err := ImportOwn(k, node, now, pemOf(leaf, private), nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _ := x509.MarshalPKCS8PrivateKey(newKey(t))
	for promise, damage := range map[string]func(*federation.Certificate){
		"no chain":                         func(c *federation.Certificate) { c.Chain = nil },
		"a key where the chain should be":  func(c *federation.Certificate) { c.Chain = pemOf(private) },
		"a key of another certificate":     func(c *federation.Certificate) { c.EncryptedKey = k.Seal(stranger, c.Fingerprint) },
		"no key under the seal":            func(c *federation.Certificate) { c.EncryptedKey = k.Seal([]byte("x"), c.Fingerprint) },
		"a key that was sealed by another": func(c *federation.Certificate) { c.EncryptedKey = testKey(t).Seal(stranger, c.Fingerprint) },
	} {
		c := good
		damage(&c)
		pair, err := Unseal(k, c)
		if err == nil || pair != nil || !strings.HasSuffix(err.Error(), ".") {
			t.Fatalf("%s: %v, error %v", promise, pair, err)
		}
		if sealed := promise == "a key that was sealed by another"; sealed != strings.Contains(err.Error(), "sealed under another key file") {
			t.Errorf("%s: %v", promise, err)
		}
	}
	if HasECDSAKey(federation.Certificate{}) || !HasECDSAKey(good) {
		t.Error("the kind of key is not told of the certificate that can be read alone")
	}
}

func TestASelfSignedCertificateServesBothWays(t *testing.T) {
	k := testKey(t)
	c, err := SelfSigned(k, node, now)
	if err != nil {
		t.Fatal(err)
	}
	own, err := Unseal(k, c)
	if err != nil {
		t.Fatal(err)
	}
	if problems := ownProblems(own.Leaf, node, now); len(problems) > 0 {
		t.Fatalf("it would not pass the import: %v", problems)
	}
	if !c.SelfSigned || c.Subject != node || own.Leaf.DNSNames[0] != node || own.Leaf.IsCA {
		t.Fatalf("it is %+v", c)
	}
	if _, err := ImportTrust(now, c.Chain); err == nil {
		t.Fatal("it was taken as a CA")
	}
	if list := Warnings(c, with(nil), now.AddDate(10, 0, 0)); len(list) != 1 || !strings.HasPrefix(list[0], "The certificate of "+node+" is signed by itself, so no peer trusts it; request one") {
		t.Fatalf("besides that it is self-signed it is told %q", list)
	}
	client := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}
	server := Compile(federation.Snapshot{Configuration: federation.DefaultConfiguration(), Certificates: []federation.Certificate{c}}, node, k, clock)
	config, _, err := server.Listener(federation.ServerAuthContext)
	if err != nil {
		t.Fatal(err)
	}
	if _, clientErr, serverErr := shake(t, "127.0.0.1", client, config); clientErr != nil || serverErr != nil {
		t.Fatalf("RSA key exchange: %v, %v", clientErr, serverErr)
	}
}

func TestATrustedCAIsRefusedWithASentencePerBrokenRule(t *testing.T) {
	ca := newAuthority(t, "Root")
	leaf, private := ca.issue(t, "fe1.synergy.com")
	expired := newAuthority(t, "Old", valid(-2*time.Hour, -time.Hour)).certificate
	sha1 := ca.issueTo(t, newKey(t).Public(), "Issuing", func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}, signedWith(x509.ECDSAWithSHA1))
	server := newAuthority(t, "fe2.synergy.com", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }).certificate
	noSign := newAuthority(t, "Mute", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }).certificate
	unlimited := func(c *x509.Certificate) { c.KeyUsage = 0 }
	long := func(bits uint) *x509.Certificate {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return ca.issueTo(t, &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}, "Long")
	}
	var many []any
	for range 51 {
		many = append(many, ca.certificate)
	}
	for _, c := range []struct {
		promise string
		file    []byte
		want    []string
	}{
		{"a server's certificate", pemOf(leaf), []string{`"fe1.synergy.com" is the certificate of a server`, `"Root"`}},
		{"a CA that may not sign certificates", pemOf(noSign), []string{`"Mute" signed its certificate itself, and is not allowed to sign others`}},
		{"a server's that it signed itself", pemOf(server), []string{`"fe2.synergy.com" signed its certificate itself, and is not allowed to sign others as a CA is; have a certificate issued by a CA for that server, and upload that CA's here`}},
		{"a server's without any extension", pemOf(ca.issueTo(t, newKey(t).Public(), "fe3.synergy.com", usages(), unlimited)), []string{`"fe3.synergy.com" is the certificate of a server`}},
		{"a server's that says it is no CA", pemOf(ca.issueTo(t, newKey(t).Public(), "fe4.synergy.com", unlimited, func(c *x509.Certificate) { c.BasicConstraintsValid = true })), []string{`"fe4.synergy.com" is the certificate of a server`}},
		{"a key of more than 1 MiB", append(bytes.Repeat([]byte("\n"), MaxUpload), pemOf(private)...), []string{"more than 1 MiB"}},
		{"PKCS #12", pfx(t), []string{"openssl pkcs12 -in FILE -nokeys"}},
		{"expired", pemOf(expired), []string{`"Old" expired on 2026-11-01`}},
		{"an intermediate CA signed with SHA-1", pemOf(sha1), []string{`"Issuing" is signed with ECDSA-SHA1`}},
		{"a private key beside it", pemOf(ca.certificate, private), []string{"holds a private key"}},
		{"a private key alone", pemOf(private), []string{"holds a private key"}},
		{"51 certificates", pemOf(many...), []string{"more than 50"}},
		{"more than 1 MiB", append(pemOf(ca.certificate), make([]byte, MaxUpload)...), []string{"more than 1 MiB"}},
		{"garbage", []byte("hello"), []string{"no certificate in PEM or DER"}},
		{"an RSA key of more than 16,384 bits", pemOf(long(16385)), []string{`The key of "Long" has 16385 bits, more than any server uses`}},
		{"a server's with 16,384 bits", pemOf(long(16384)), []string{`"Long" is the certificate of a server`}},
		{"a block that is no certificate before one", append(block("CERTIFICATE", []byte("x")), pemOf(ca.certificate)...), []string{"Certificate 1 of this file cannot be read"}},
		{"a block of another kind", append(pemOf(ca.certificate), block("X509 CRL", []byte("x"))...), []string{`a PEM block "X509 CRL", which is neither a certificate nor a private key`}},
		{"a curve alone", block("EC PARAMETERS", []byte{6, 0}), []string{"This file holds no certificate; choose the file with the CA's certificate."}},
		{"two faults in a chain", pemOf(leaf, expired), []string{"fe1.synergy.com", `"Old" expired`}},
	} {
		t.Run(c.promise, func(t *testing.T) {
			list, err := ImportTrust(now, c.file)
			if err == nil || list != nil {
				t.Fatalf("taken: %v", list)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
		})
	}
}

// pfx is the beginning of a PKCS #12 file.
func pfx(t testing.TB) []byte {
	version := der(t, asn1.ClassUniversal, asn1.TagInteger, false, []byte{3})
	return sequence(t, version, sequence(t, oid(t, 1, 2, 840, 113549, 1, 7, 1)))
}

func TestAPFXIsConvertedWithItsKeyOnlyForANodesOwnCertificate(t *testing.T) {
	k := testKey(t)
	waits := pending(t, k)
	for _, request := range []*federation.CertificateRequest{nil, &waits} {
		if _, err := ImportFor(k, node, request, with(nil), now, Upload{File: pfx(t)}); err == nil || !strings.Contains(err.Error(), "file: This is a PKCS #12 file") || !strings.Contains(err.Error(), "-nodes") {
			t.Errorf("a node's: %v", err)
		}
	}
	if _, err := ReadCandidate(federation.Snapshot{}, now, pfx(t)); err == nil || !strings.Contains(err.Error(), "-nokeys") {
		t.Errorf("a peer's: %v", err)
	}
}

func TestAnUploadedCertificateThatSignedItselfIsToldToNeedACA(t *testing.T) {
	k := testKey(t)
	self := newAuthority(t, node, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = false, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	})
	i, err := ImportFor(k, node, nil, with(nil), now, Upload{File: pemOf(self.certificate, self.key)})
	if err != nil || len(i.Warnings) != 1 || !strings.Contains(i.Warnings[0], "is signed by itself, so no peer trusts it; request one from the CA that your Microsoft servers use") {
		t.Errorf("%v, warnings %q", err, i.Warnings)
	}
}

func TestAChainOfCAsIsTakenOneByOneAndOnce(t *testing.T) {
	a, b := newAuthority(t, "Root A"), newAuthority(t, "Root B")
	list, err := ImportTrust(now, pemOf(a.certificate, b.certificate, a.certificate))
	if err != nil || len(list) != 2 {
		t.Fatalf("%d entries, error %v; want 2", len(list), err)
	}
	if list[0].Subject != "Root A" || list[1].Subject != "Root B" || list[0].Purpose != federation.PurposeTrust || list[0].Node != "" || list[0].EncryptedKey != nil {
		t.Fatalf("entries are %+v", list)
	}
	if list, err := ImportTrust(now, append(bytes.Repeat([]byte("\n"), MaxUpload-len(pemOf(a.certificate))), pemOf(a.certificate)...)); err != nil || len(list) != 1 {
		t.Errorf("a file of 1 MiB: %v", err)
	}
	anything := newAuthority(t, "Root for anything", func(c *x509.Certificate) { c.KeyUsage = 0 })
	if list, err := ImportTrust(now, pemOf(anything.certificate)); err != nil || len(list) != 1 {
		t.Errorf("a root whose key usage is not limited: %v", err)
	}
	old := newAuthority(t, "Old root", signedWith(x509.ECDSAWithSHA1))
	if list, err := ImportTrust(now, pemOf(old.certificate)); err != nil || len(list) != 1 {
		t.Errorf("a root whose own signature is SHA-1: %v", err)
	}
	der, err := ImportTrust(now, a.certificate.Raw)
	if err != nil || len(der) != 1 || der[0].Fingerprint != list[0].Fingerprint {
		t.Fatalf("DER: %v, %v", der, err)
	}
}

func FuzzImport(f *testing.F) {
	k, ca := testKey(f), newAuthority(f, "Root")
	leaf, private := ca.issue(f, node)
	f.Add(pemOf(leaf, private))
	f.Add(pemOf(ca.certificate))
	f.Add(leaf.Raw)
	f.Add(pkcs7Of(f, leaf.Raw, ca.certificate.Raw))
	f.Add(block("PKCS7", pkcs7Of(f, ca.certificate.Raw)))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if c, err := ImportOwn(k, node, now, file, nil); err == nil {
			if _, err := Unseal(k, c); err != nil {
				t.Fatalf("what was imported does not open: %v", err)
			}
		}
		list, err := ImportTrust(now, file)
		if err == nil && len(list) == 0 {
			t.Fatal("nothing was imported and nothing was wrong")
		}
	})
}
