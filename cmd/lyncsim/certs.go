package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"isthmus/internal/siptest"
)

type certsCommand struct {
	Certs string   `required:"" placeholder:"DIR" help:"Directory of ca.pem, ca.key, NAME.pem and NAME.key."`
	Names []string `arg:"" name:"name" help:"Common Names to make certificates for; further names of one follow it after commas."`
}

func (c certsCommand) Run(_ context.Context, log *slog.Logger) error {
	for _, names := range c.Names {
		name, others, _ := strings.Cut(names, ",")
		id, err := identify(c.Certs, name, strings.FieldsFunc(others, func(r rune) bool { return r == ',' })...)
		if err != nil {
			return err
		}
		log.Info("certificate", "name", name, "directory", c.Certs, "until", id.own.Leaf.NotAfter.Format(time.DateOnly))
	}
	return nil
}

const years = 2 // of a certificate, which is what a company's own CA usually gives

// identity is what a front end shows, and whom it trusts.
type identity struct {
	own     tls.Certificate
	trusted *x509.CertPool
}

// identify reads ca.pem, NAME.pem and NAME.key of a directory, and makes first what is missing. Several programs may ask
// at the same time, as the containers of one volume do.
func identify(dir, name string, others ...string) (identity, error) {
	unlock, err := lock(dir)
	if err != nil {
		return identity{}, err
	}
	defer unlock()
	ca, err := authority(dir)
	if err != nil {
		return identity{}, err
	}
	if err := issue(ca, dir, name, others); err != nil {
		return identity{}, err
	}
	own, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
	if err != nil {
		return identity{}, fmt.Errorf("the certificate of %s cannot be used: %w; remove it to have it made again", name, err)
	}
	return identity{own, ca.Pool()}, nil
}

// lock holds the directory until unlock, or until the process ends.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the directory of the certificates cannot be made: %w; name another with --certs", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("no file can be written to the directory of the certificates: %w; name another with --certs", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("the directory of the certificates cannot be locked: %w", err)
	}
	return func() { file.Close() }, nil
}

// authority reads the CA of a directory, and makes it first when it is missing.
func authority(dir string) (*siptest.Authority, error) {
	certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key")
	if !exists(certFile) {
		ca := siptest.NewAuthority("lyncsim CA")
		_, _, err := siptest.WritePEM(dir, "ca", ca.Pair())
		return ca, err
	}
	ca, err := siptest.LoadAuthority(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the CA in %s cannot be used: %w; remove ca.pem there to have it made again, and the certificates that it issued", dir, err)
	}
	return ca, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// issue writes a certificate for both usages, with an RSA key: some of Microsoft's servers do not speak elliptic curves.
func issue(ca *siptest.Authority, dir, name string, others []string) error {
	if exists(filepath.Join(dir, name+".pem")) && exists(filepath.Join(dir, name+".key")) {
		return nil
	}
	leaf := ca.Issue(siptest.Leaf{Names: []string{name}, DNS: append([]string{name}, others...), RSA: true, NotAfter: time.Now().AddDate(years, 0, 0)})
	_, _, err := siptest.WritePEM(dir, name, leaf)
	return err
}

// server wants a certificate of the CA from everybody who connects.
func (i identity) server() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{i.own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: i.trusted}
}

// client checks the chain alone: which name stands at an address, a pretend topology does not know.
func (i identity) client() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{i.own}, InsecureSkipVerify: true, VerifyConnection: i.chain}
}

func (i identity) chain(state tls.ConnectionState) error {
	options := x509.VerifyOptions{Roots: i.trusted, Intermediates: x509.NewCertPool()}
	for _, c := range state.PeerCertificates[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(options)
	return err
}
