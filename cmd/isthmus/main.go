// Command isthmus is the administrative console for partitioned intradomain federation and the SIP routing core that
// enforces what the console stores, in one process. This package reads flags and wires the parts together; what they do
// is theirs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"isthmus/internal/federation"
)

// Exit codes of the program.
const (
	exitFailure  = 1
	exitUsage    = 2
	exitConflict = 3
)

// commands is the command line: the flags that every command takes, and the commands.
type commands struct {
	flags

	Serve   serveCommand   `cmd:"" help:"Run the console and this node's SIP services in one process."`
	Migrate migrateCommand `cmd:"" help:"Apply pending migrations; serve does so too."`
	Admin   struct {
		Add adminAddCommand `cmd:"" help:"Add an administrator; the password is read from standard input, or asked twice on a terminal."`
	} `cmd:"" help:"Administrators of the console."`
	Config struct {
		Export configExportCommand `cmd:"" help:"Write the whole configuration as YAML."`
		Apply  configApplyCommand  `cmd:"" help:"Make the configuration what FILE says."`
	} `cmd:"" help:"The whole configuration as one file."`
	Wizard struct {
		Plan   wizardPlanCommand   `cmd:"" help:"Print what the answers in FILE would create and remove; changes nothing."`
		Finish wizardFinishCommand `cmd:"" help:"Apply the plan and write the files for the Microsoft side."`
		Remove wizardRemoveCommand `cmd:"" help:"Remove a deployment with what the wizard made for it and nothing else uses."`
	} `cmd:"" help:"The federation wizard without the console."`
	Cert struct {
		List      certListCommand      `cmd:"" help:"List the nodes' certificates, the trusted CAs and the requests that wait."`
		CSR       certCSRCommand       `cmd:"" name:"csr" help:"Make a key and a certificate request for the node, and print the request."`
		ExportCSR certExportCSRCommand `cmd:"" name:"export-csr" help:"Print the node's certificate request that waits."`
		Import    certImportCommand    `cmd:"" help:"Import the node's own certificate, or a trusted CA."`
	} `cmd:"" help:"Certificates."`
	Check   checkCommand   `cmd:"" help:"Make every diagnostic check; exit 1 when one is red."`
	Version versionCommand `cmd:"" help:"Print version, commit and Go version."`
}

// console is where a command reads and writes; tests give it buffers.
type console struct {
	in       io.Reader
	out, err io.Writer
}

// exitError ends the program with a code of its own. A nil error prints nothing.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// The first signal drains; after it the second one has its usual effect and ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], console{os.Stdin, os.Stdout, os.Stderr}))
}

// run is the program without the process around it; it returns the exit code.
func run(ctx context.Context, args []string, c console) int {
	var cli commands
	ended := false
	parser, err := newParser(&cli, c, func(int) { ended = true })
	if err != nil {
		fmt.Fprintln(c.err, err)
		return exitFailure
	}
	parsed, err := parser.Parse(args)
	if ended { // -h has printed its text
		return 0
	}
	if err != nil {
		return usage(err, c)
	}
	cli.nodeNamed = slices.ContainsFunc(parsed.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == "node" })
	cli.flags.resolve()
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(parsed.Run(&cli.flags, c), c.err)
}

func newParser(cli *commands, c console, exit func(int)) (*kong.Kong, error) {
	return kong.New(cli, kong.Name("isthmus"), kong.Writers(c.out, c.err), kong.Exit(exit),
		kong.Description("Isthmus joins the two halves of a partitioned SIP domain: a web console, a federation wizard and a SIP routing core."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
}

// usage answers a wrong call: one sentence, then how to call.
func usage(err error, c console) int {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		fmt.Fprintln(c.err, sentenceOf(err))
	} else {
		if node := parse.Context.Selected(); node != nil { // what a command itself refuses begins with its name
			err = errors.New(strings.TrimPrefix(err.Error(), strings.TrimSpace(node.Path())+": "))
		}
		fmt.Fprintln(c.err, sentenceOf(err))
		fmt.Fprintln(c.err)
		parse.Context.Stdout = c.err
		_ = parse.Context.PrintUsage(false) // it can only fail to write
	}
	return exitUsage
}

func report(err error, w io.Writer) int {
	if err == nil {
		return 0
	}
	var exit exitError
	if !errors.As(err, &exit) {
		exit = exitError{exitFailure, err}
	}
	if text := exit.Error(); text != "" {
		fmt.Fprintln(w, withoutKey(text))
	}
	return exit.code
}

// withoutKey keeps a private key that stood among the arguments out of what is printed about them: it may be kept in a log.
func withoutKey(text string) string {
	if federation.HoldsPrivateKey(text) {
		return "A private key stands on the command line or in a wrong file, where others may read it. Give --key the file that holds it, and put it nowhere else."
	}
	return text
}

// sentenceOf begins with a capital and ends with a full stop.
func sentenceOf(err error) string {
	s := withoutKey(err.Error())
	if s == "" {
		return s
	}
	if flag, _, without := strings.Cut(s, ": expected "); without && strings.HasSuffix(s, "(<EOL>)") {
		return flag + " needs a value."
	}
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}
