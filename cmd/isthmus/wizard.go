package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"isthmus/internal/federation"
	"isthmus/internal/powershell"
	"isthmus/internal/store"
	"isthmus/internal/wizard"
)

type wizardPlanCommand struct {
	File string `arg:"" help:"Answers as YAML; - reads standard input."`
	JSON bool   `name:"json" help:"Print the plan as JSON."`
}

func (a wizardPlanCommand) Run(ctx context.Context, f *flags, c console) error {
	answers, err := readAnswers(a.File, c.in)
	if err != nil {
		return err
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		snapshot, err := db.Snapshot(ctx)
		if err != nil {
			return err
		}
		plan, err := wizard.Plan(answers, snapshot)
		if err != nil {
			return err
		}
		return printPlan(c, plan, a.JSON)
	})
}

func readAnswers(name string, in io.Reader) (federation.Answers, error) {
	data, err := readFile(name, in)
	if err != nil {
		return federation.Answers{}, err
	}
	return wizard.ParseAnswers(data)
}

// printPlan writes one line an object, or JSON; warnings go beside. A conflict ends with its own exit code.
func printPlan(c console, plan federation.Changes, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(c.out)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(plan); err != nil {
			return err
		}
	} else {
		for _, change := range plan.List {
			fmt.Fprintln(c.out, change)
		}
	}
	for _, warning := range plan.Warnings {
		fmt.Fprintln(c.err, "Warning:", warning)
	}
	return conflict(plan)
}

func conflict(plan federation.Changes) error {
	list := plan.Conflicts()
	if len(list) == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of the plan's objects are in conflict with what is configured; nothing was changed. Change those objects, or the answers:", len(list))
	for _, change := range list {
		text += "\n" + change.Reason
	}
	return exitError{exitConflict, errors.New(text)}
}

type wizardFinishCommand struct {
	File string `arg:"" help:"Answers as YAML; - reads standard input."`
	Out  string `required:"" placeholder:"DIR" help:"Directory for the Microsoft-side files."`
}

func (a wizardFinishCommand) Run(ctx context.Context, f *flags, c console) error {
	answers, err := readAnswers(a.File, c.in)
	if err != nil {
		return err
	}
	if err := writable(a.Out); err != nil {
		return err
	}
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		before, err := db.Snapshot(ctx)
		if err != nil {
			return err
		}
		answers = wizard.Defaults(answers, before) // the scripts are made of what is stored, so nothing stays open in it
		plan := func(s federation.Snapshot) (federation.Changes, error) {
			changes, err := wizard.Plan(answers, s)
			if err == nil { // scripts that cannot be written have to be known before anything is applied
				_, err = powershell.Script(federation.NewDeployment(answers, s.Nodes), s)
			}
			return changes, err
		}
		deployment, changes, err := db.FinishWizard(ctx, answers, plan)
		if errors.Is(err, store.ErrConflict) {
			return printPlan(c, changes, false)
		}
		if err != nil {
			return err
		}
		if err := printPlan(c, changes, false); err != nil {
			return err
		}
		snapshot, err := db.Snapshot(ctx)
		if err != nil {
			return err
		}
		return writeScripts(a.Out, deployment, snapshot, c)
	})
}

// writable makes the directory and proves that files can be written there, before anything is changed.
func writable(dir string) error {
	if dir == "" {
		return errors.New("Name the directory for the files with --out, such as --out scripts.")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("The directory %s cannot be made: %w; name another with --out.", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".isthmus-*")
	if err != nil {
		return fmt.Errorf("No file can be written to %s: %w; name another directory with --out.", dir, err)
	}
	probe.Close()
	return os.Remove(probe.Name())
}

func writeScripts(dir string, d federation.Deployment, snapshot federation.Snapshot, c console) error {
	steps, err := powershell.Script(d, snapshot)
	if err != nil {
		return err
	}
	if err := keepEarlier(dir, d, snapshot, steps, c); err != nil {
		return err
	}
	for _, step := range steps {
		if err := writeStep(dir, step, c); err != nil {
			return fmt.Errorf("The configuration is applied, but the files are not complete: %w Call again; a second run changes nothing.", err)
		}
	}
	return nil
}

func writeStep(dir string, step powershell.Step, c console) error {
	path := filepath.Join(dir, step.File)
	if err := os.WriteFile(path, step.Bytes(), 0o644); err != nil {
		return fmt.Errorf("%s could not be written: %w.", path, err)
	}
	fmt.Fprintln(c.out, "wrote", path)
	return nil
}

// keepEarlier puts the way back of an earlier run aside: what that run's scripts made on the Microsoft side, only its own
// rollback.ps1 takes back. Of other files that this run does not write it only tells.
func keepEarlier(dir string, d federation.Deployment, snapshot federation.Snapshot, steps []powershell.Step, c console) error {
	for _, name := range []string{"verify.ps1", "restart.ps1"} {
		path := filepath.Join(dir, name)
		if _, written := powershell.File(steps, name); !written && exists(path) {
			fmt.Fprintf(c.err, "Warning: %s is of an earlier run and fits no more; delete it.\n", path)
		}
	}
	path := filepath.Join(dir, "rollback.ps1")
	earlier, err := os.ReadFile(path)
	if err != nil || bytes.Contains(earlier, []byte(powershell.Fingerprint(d, snapshot))) {
		return nil // there is none, or it is the same but for its head
	}
	kept := filepath.Join(dir, fmt.Sprintf("rollback-before-revision-%d.ps1", d.Revision))
	if err := os.Rename(path, kept); err != nil {
		return fmt.Errorf("The configuration is applied, but the earlier %s could not be put aside: %w. Move it yourself and call again; a second run changes nothing.", path, err)
	}
	fmt.Fprintln(c.out, "kept", kept)
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

type wizardRemoveCommand struct {
	Name   string `arg:"" help:"Deployment to remove: its pool's name, or that of its one front end."`
	DryRun bool   `help:"Print what would go and what would stay; change nothing."`
	JSON   bool   `name:"json" help:"Print it as JSON, with the reason of whatever stays."`
	Out    string `placeholder:"DIR" help:"Directory for the way back of the Microsoft side, written before anything goes."`
}

func (a wizardRemoveCommand) Run(ctx context.Context, f *flags, c console) error {
	return within(ctx, f, c, func(ctx context.Context, db *store.Store) error {
		snapshot, err := db.Snapshot(ctx)
		if err != nil {
			return err
		}
		d, err := deploymentNamed(a.Name, snapshot)
		if err != nil {
			return err
		}
		if a.Out != "" {
			if err := writeWayBack(a.Out, d, snapshot, c); err != nil {
				return err
			}
		}
		changes := wizard.Removal(d, snapshot)
		if !a.DryRun {
			changes, err = db.RemoveDeployment(ctx, d.ID, func(d federation.Deployment, now federation.Snapshot) (federation.Changes, error) {
				return wizard.Removal(d, now), nil
			})
		}
		if err != nil {
			return err
		}
		changes.Warnings = append(changes.Warnings, leftThere(d, !a.DryRun))
		return printPlan(c, changes, a.JSON)
	})
}

// wayBack is the file that takes the Microsoft side of a deployment back.
func wayBack(d federation.Deployment) string {
	if d.Answers.Platform == federation.OCS2007R2 {
		return "checklist.md"
	}
	return "rollback.ps1"
}

func writeWayBack(dir string, d federation.Deployment, snapshot federation.Snapshot, c console) error {
	if err := writable(dir); err != nil {
		return err
	}
	steps, err := powershell.Script(d, snapshot)
	if err != nil {
		return err
	}
	step, _ := powershell.File(steps, wayBack(d))
	if err := writeStep(dir, step, c); err != nil {
		return fmt.Errorf("Nothing was removed: %w Name another directory with --out.", err)
	}
	return nil
}

// leftThere says how the Microsoft side is taken back before a deployment is removed, or after it.
func leftThere(d federation.Deployment, removed bool) string {
	switch {
	case d.Answers.Platform == federation.OCS2007R2:
		return "The Microsoft side still sends here; take back by hand what the checklist had you do there."
	case removed:
		return "The Microsoft side still sends here. Run the copy of rollback.ps1 that you kept there; nothing writes that file any more."
	}
	return "The Microsoft side still sends here. Run rollback.ps1 there before you remove the deployment; nothing writes that file afterwards. With --out the removal itself writes it first."
}

// deploymentNamed finds a deployment by its name; the error names those that are there.
func deploymentNamed(name string, s federation.Snapshot) (federation.Deployment, error) {
	var names []string
	for _, d := range s.Deployments {
		if strings.EqualFold(d.Name, strings.TrimSuffix(name, ".")) {
			return d, nil
		}
		names = append(names, d.Name)
	}
	if len(names) == 0 {
		return federation.Deployment{}, errors.New("There is no deployment yet, so there is none to remove.")
	}
	return federation.Deployment{}, fmt.Errorf("There is no deployment %s; choose one of %s.", name, strings.Join(names, ", "))
}
