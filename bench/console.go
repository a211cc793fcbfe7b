package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"sync/atomic"
	"time"

	"isthmus/bench/load"
	"isthmus/bench/proxies"
	"isthmus/bench/report"
)

// pagesEachSecond is how many pages somebody turns beside the traffic.
const pagesEachSecond = 50

// pages are those that are asked for, one after the other.
var pages = []string{"/", "/acl", "/static-routes", "/users", "/nodes", "/tls-contexts", "/certificates", "/settings", "/handshakes", "/audit"}

// console measures what traffic notices of the console: the same load, in turns with and without pages beside it.
func console() error {
	s, err := newStage([]string{report.Isthmus})
	if err != nil {
		return err
	}
	defer s.close()
	reader, err := s.signIn(s.proxies[0])
	if err != nil {
		return err
	}
	c := report.Case{Proxies: []report.Proxy{{Name: "alone"}, {Name: "beside the console"}}}
	k := kind{load.Message, "TLS", 5000}
	var asked, refused int64
	for range *rounds {
		for i := range c.Proxies {
			stop := func() {}
			if i == 1 {
				stop = reader.read()
			}
			f, err := s.measure(k, s.proxies[0])
			stop()
			if err != nil {
				return err
			}
			c.Proxies[i].Rounds = append(c.Proxies[i].Rounds, f)
		}
	}
	asked, refused = reader.asked.Load(), reader.refused.Load()
	t := &report.Table{Head: []string{k.String(), "CPU us", "p50 us", "p99 us", "p99.9 us"}}
	for i := range c.Proxies {
		p := &c.Proxies[i]
		t.Rows = append(t.Rows, []string{p.Name, figure(p, report.CPU), figure(p, report.P50), figure(p, report.P99), figure(p, report.P999)})
	}
	ratio := report.Ratio(&c.Proxies[1], &c.Proxies[0], report.P99)
	about := fmt.Sprintf("%d pages a second, %d in all, %d of them not answered with 200. p99 with the console is %.2f times that without (%.2f..%.2f).",
		pagesEachSecond, asked, refused, ratio.Median, ratio.Least, ratio.Greatest)
	return publish("console", t.String()+about, t.Markdown()+"\n"+about)
}

func figure(p *report.Proxy, of func(report.Figures) float64) string {
	return fmt.Sprintf("%.0f", p.Of(of).Median)
}

// A reader turns pages of the console.
type reader struct {
	http           http.Client
	site           string
	asked, refused atomic.Int64
}

func (s *stage) signIn(p *proxies.Proxy) (*reader, error) {
	const name, secret = "bench", "herring gull over grey water"
	if err := s.AddAdmin(p, name, secret); err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	r := &reader{site: p.Console, http: http.Client{Jar: jar, Timeout: 10 * time.Second}}
	response, err := r.http.PostForm(r.site+"/login", url.Values{"name": {name}, "password": {secret}})
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	for _, path := range pages {
		if !r.turn(path) {
			return nil, fmt.Errorf("the console does not answer %s with 200", path)
		}
	}
	return r, nil
}

// turn asks for one page and reads it.
func (r *reader) turn(path string) bool {
	response, err := r.http.Get(r.site + path)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode == http.StatusOK && response.Request.URL.Path == path
}

// read asks for pages at their rate until stop is called.
func (r *reader) read() (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(time.Second / pagesEachSecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-over:
				return
			case <-tick.C:
			}
			go func() {
				r.asked.Add(1)
				if !r.turn(pages[i%len(pages)]) {
					r.refused.Add(1)
				}
			}()
		}
	}()
	return func() {
		close(over)
		<-ended
	}
}
