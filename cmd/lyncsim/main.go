// Command lyncsim pretends to be what stands on the two sides of Isthmus: a front end of a Microsoft pool, with the header
// shapes of such servers, and the SIP Federation Connection Manager of a node. It makes traffic for demos and end-to-end
// tests. It keeps no presence, no conversations and no configuration, and it knows nothing of Isthmus' own packages but
// the SIP message.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	FrontEnd  frontEndCommand  `cmd:"" help:"Pretend to be a front end: mutual TLS, and the shapes of Microsoft's headers."`
	Connector connectorCommand `cmd:"" help:"Pretend to be a node's SIP Federation Connection Manager: TCP from the node's address."`
	Certs     certsCommand     `cmd:"" help:"Make a CA and certificates for both usages, as far as they are missing."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without the process around it; it returns the exit code: 2 for a wrong call, 1 for a failure.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	var cli commands
	ended := false
	parser, err := newParser(ctx, &cli, out, errs, func(int) { ended = true })
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	parsed, err := parser.Parse(args)
	switch {
	case ended: // -h has printed its text
		return 0
	case err != nil:
		fmt.Fprintln(errs, err)
		return 2
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	if err := parsed.Run(log); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(errs, err)
		return 1
	}
	return 0
}

func newParser(ctx context.Context, cli *commands, out, errs io.Writer, exit func(int)) (*kong.Kong, error) {
	return kong.New(cli, kong.Name("lyncsim"), kong.Writers(out, errs), kong.Exit(exit), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Description("A pretend Microsoft front end, and a pretend connector, that make traffic for a node."),
		kong.BindTo(ctx, (*context.Context)(nil)))
}
