package pstest

// A sink takes what a statement puts out, item by item.
type sink func(item any)

// send puts a value into a pipeline: a list's items one by one.
func (out sink) send(v any) {
	for _, item := range items(v) {
		out(item)
	}
}

// gather runs code and returns what it put out.
func gather(code func(out sink)) []any {
	list := []any{}
	code(func(item any) { list = append(list, item) })
	return list
}

// statements runs the statements below a node: of a statement_list, of a block, or of a script_block.
func (r *run) statements(n *Node, out sink) {
	for _, part := range n.parts {
		switch part.Type {
		case "{", "}", ";", "(", ")", "@(", "$(", "param_block":
		case "statement_list", "script_block", "script_block_body":
			r.statements(part, out)
		default:
			r.statement(part, out)
		}
	}
}

// block runs the braces of an if, a loop or a try.
func (r *run) block(n *Node, out sink) { r.statements(n.child("statement_block"), out) }

func (r *run) statement(n *Node, out sink) {
	switch n.Type {
	case "pipeline":
		r.pipeline(n, out)
	case "if_statement":
		r.ifStatement(n, out)
	case "foreach_statement":
		r.foreachStatement(n, out)
	case "while_statement":
		r.loop(func() bool { return truth(r.value(n.child("while_condition").parts[0])) }, true, func() { r.block(n, out) })
	case "do_statement":
		r.doStatement(n, out)
	case "try_statement":
		r.tryStatement(n, out)
	case "flow_control_statement":
		r.flowControl(n, out)
	case "function_statement":
		r.functions[lower(n.child("function_name"))] = r.functionOf(n)
	case "empty_statement":
	default:
		r.unknown(n, "a %s", n.Type)
	}
}

func (r *run) ifStatement(n *Node, out sink) {
	if truth(r.value(n.child("pipeline"))) {
		r.block(n, out)
		return
	}
	if clauses := n.child("elseif_clauses"); clauses != nil {
		for _, clause := range clauses.parts {
			if truth(r.value(clause.child("pipeline"))) {
				r.block(clause, out)
				return
			}
		}
	}
	if other := n.child("else_clause"); other != nil {
		r.block(other, out)
	}
}

// foreachStatement: PowerShell 2.0 runs once for $null, later ones do not.
func (r *run) foreachStatement(n *Node, out sink) {
	value := r.value(n.child("pipeline"))
	if plain(value) == nil && r.engine >= 3 {
		return
	}
	list := items(plain(value))
	name := n.child("variable")
	next := 0
	r.loop(func() bool { return next < len(list) }, true, func() {
		next++
		r.write(name, "", list[next-1])
		r.block(n, out)
	})
}

func (r *run) doStatement(n *Node, out sink) {
	condition := n.child("while_condition").parts[0]
	until := n.has("until")
	r.loop(func() bool { return truth(r.value(condition)) != until }, false, func() { r.block(n, out) })
}

// endless is where a loop that never ends fails the test.
const endless = 10000

// loop runs a body as long as a condition holds, looked at before the first turn or behind it.
func (r *run) loop(holds func() bool, before bool, body func()) {
	for turn := 0; !before && turn == 0 || holds(); turn++ {
		if turn == endless {
			panic(unknown{"a loop does not end"})
		}
		_, broken := caught[breakSignal](func() { caught[continueSignal](body) })
		if broken {
			return
		}
	}
}

func (r *run) flowControl(n *Node, out sink) {
	var value any
	given := n.child("pipeline")
	switch n.parts[0].Type {
	case "return":
		if given != nil {
			out.send(r.value(given))
		}
		panic(returnSignal{})
	case "throw":
		if given == nil {
			r.unknown(n, "a throw of nothing")
		}
		value = r.value(given)
		if record, ok := value.(*Object); ok && record.Type == "ErrorRecord" {
			panic(thrown{record})
		}
		throw("%s", Text(value))
	case "exit":
		if given != nil {
			value = r.value(given)
		}
		panic(exitSignal{r.whole(n, "int", value)})
	case "break":
		panic(breakSignal{})
	case "continue":
		panic(continueSignal{})
	}
	r.unknown(n, "the statement")
}

func (r *run) tryStatement(n *Node, out sink) {
	at := r.scope
	defer func() {
		if last := n.child("finally_clause"); last != nil {
			r.scope = at
			r.block(last, out)
		}
	}()
	failure, failed := caught[thrown](func() { r.block(n, out) })
	if !failed {
		return
	}
	r.scope = at
	clauses := n.child("catch_clauses")
	if clauses == nil {
		panic(failure)
	}
	if len(clauses.parts) > 1 || clauses.parts[0].has("catch_type_list") {
		r.unknown(n, "a catch of one kind of error")
	}
	r.within(failure.record, func() { r.block(clauses.parts[0], out) })
}
