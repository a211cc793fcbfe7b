package pstest

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// wasm is tree-sitter's core with the grammar of PowerShell; .make/grammar builds it.
//
//go:embed grammar/powershell.wasm
var wasm []byte

// grammar is the one instance of the module in this process. Its memory belongs to one call at a time.
type grammar struct {
	mu     sync.Mutex
	module api.Module
	names  map[uint32]string
	read   map[string]*Tree
	levels map[string]bool
}

// loaded compiles the module at the first use: that takes half a second, which tests without scripts do not pay.
var loaded = sync.OnceValues(func() (*grammar, error) {
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return nil, fmt.Errorf("load the system calls of the grammar: %w", err)
	}
	config := wazero.NewModuleConfig().WithStartFunctions("_initialize")
	module, err := runtime.InstantiateWithConfig(ctx, wasm, config)
	if err != nil {
		return nil, fmt.Errorf("load the grammar: %w", err)
	}
	return &grammar{module: module, names: map[uint32]string{}, read: map[string]*Tree{}, levels: map[string]bool{}}, nil
})

// call runs one exported function. The module is ours and fixed, so a trap in it is a fault of this package.
func (g *grammar) call(function string, arguments ...uint64) uint64 {
	results, err := g.module.ExportedFunction(function).Call(context.Background(), arguments...)
	if err != nil {
		panic(fmt.Sprintf("the grammar's %s: %v", function, err))
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// A flat node is what the module lays into its memory: five numbers of 32 bits.
type flatNode struct{ symbol, flags, start, end, children uint32 }

const flatSize = 20

// Flags of a flat node.
const (
	flagNamed = 1 << iota
	flagError
	flagMissing
	flagExtra
)

// parse returns the nodes of a text in its order, each before its children.
func (g *grammar) parse(text string) []flatNode {
	at := uint32(g.call("room", uint64(len(text)+1)))
	defer g.call("give", uint64(at))
	memory := g.module.Memory()
	if !memory.WriteString(at, text) {
		panic("the grammar has no room for the text")
	}
	packed := g.call("parse", uint64(at), uint64(len(text)))
	list, count := uint32(packed), uint32(packed>>32)
	defer g.call("give", uint64(list))
	raw, ok := memory.Read(list, count*flatSize)
	if !ok {
		panic("the grammar's answer lies outside its memory")
	}
	nodes := make([]flatNode, count)
	for i := range nodes {
		word := func(n int) uint32 { return binary.LittleEndian.Uint32(raw[i*flatSize+4*n:]) }
		nodes[i] = flatNode{word(0), word(1), word(2), word(3), word(4)}
	}
	return nodes
}

// name is what the grammar calls a symbol.
func (g *grammar) name(symbol uint32) string {
	name, known := g.names[symbol]
	if known {
		return name
	}
	memory := g.module.Memory()
	for at := uint32(g.call("name", uint64(symbol))); ; at++ {
		b, ok := memory.ReadByte(at)
		if !ok || b == 0 {
			break
		}
		name += string(rune(b))
	}
	g.names[symbol] = name
	return name
}

// passes reports whether nodes of a type are levels of precedence only.
func (g *grammar) passes(name string) bool {
	passes, known := g.levels[name]
	if !known {
		passes = passing.MatchString(name)
		g.levels[name] = passes
	}
	return passes
}
