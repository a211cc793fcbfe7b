package main

import (
	"os"
	"path/filepath"
	"testing"

	"isthmus/bench/report"
)

func TestTheDocumentHasAPlaceForEachSection(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", documentFile))
	if err != nil {
		t.Fatal(err)
	}
	for name := range titles {
		if _, err := report.Put(string(text), name, "figures"); err != nil {
			t.Error(err)
		}
	}
}
