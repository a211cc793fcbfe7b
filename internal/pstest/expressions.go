package pstest

import (
	"strconv"
	"strings"
)

func lower(n *Node) string { return strings.ToLower(n.Text()) }

// value is what an expression or a statement gives to an assignment or a condition. An expression keeps its list; of a
// command's output one item is that item.
func (r *run) value(n *Node) any {
	if inner := pureExpression(n); inner != nil {
		return r.eval(inner)
	}
	if n.Type == "pipeline" || strings.HasSuffix(n.Type, "_statement") {
		return gathered(gather(func(out sink) { r.statement(n, out) }))
	}
	return r.eval(n)
}

// pureExpression is the expression that alone makes up a pipeline, nil where a command takes part.
func pureExpression(n *Node) *Node {
	if n.Type != "pipeline" || len(n.parts) != 1 || n.parts[0].Type != "pipeline_chain" {
		return nil
	}
	if chain := n.parts[0]; len(chain.parts) == 1 && chain.parts[0].Type != "command" {
		return chain.parts[0]
	}
	return nil
}

// eval works an expression out.
func (r *run) eval(n *Node) any {
	switch n.Type {
	case "variable":
		return r.read(n)
	case "verbatim_string_characters":
		value, _ := unquote(n.Text())
		return value
	case "decimal_integer_literal":
		i, err := strconv.Atoi(n.Text())
		if err != nil {
			r.unknown(n, "the number")
		}
		return i
	case "array_expression":
		return gather(func(out sink) { r.statements(n, out) })
	case "sub_expression":
		return gathered(gather(func(out sink) { r.statements(n, out) }))
	case "parenthesized_expression":
		return r.value(n.parts[1])
	case "hash_literal_expression":
		return r.hash(n)
	case "script_block_expression":
		return &ScriptBlock{n.child("script_block")}
	case "expression_with_unary_operator":
		return r.unary(n)
	case "cast_expression":
		return r.convert(n, typeOf(n.parts[0]), r.eval(n.parts[1]))
	case "type_literal":
		return typeOf(n)
	case "member_access":
		return r.member(n)
	case "element_access":
		return r.element(n, plain(r.eval(n.parts[0])), r.eval(n.parts[2]))
	case "invokation_expression":
		return r.invoke(n)
	case "array_literal_expression":
		return r.list(n)
	case "post_increment_expression":
		r.assignTo(n.parts[0], "", r.whole(n, "int", r.eval(n.parts[0]))+1)
		return nothing{}
	}
	return r.operation(n)
}

// operation is an expression of one part, or of two with an operator between them.
func (r *run) operation(n *Node) any {
	isExpression := strings.HasSuffix(n.Type, "_expression")
	if len(n.parts) == 1 && (isExpression || n.Type == "string_literal" || n.Type == "integer_literal") {
		return r.eval(n.parts[0])
	}
	if len(n.parts) != 3 || !isExpression {
		r.unknown(n, "a %s", n.Type)
	}
	operator := strings.ToLower(n.parts[1].Text())
	left := r.eval(n.parts[0])
	switch operator {
	case "-and":
		return truth(left) && truth(r.eval(n.parts[2]))
	case "-or":
		return truth(left) || truth(r.eval(n.parts[2]))
	}
	operate := operations[operator]
	if operate == nil {
		r.unknown(n, "the operator %s", operator)
	}
	return operate(r, n, left, r.eval(n.parts[2]))
}

// list is values with commas between them.
func (r *run) list(n *Node) any {
	if len(n.parts) == 1 {
		return r.eval(n.parts[0])
	}
	list := []any{}
	for i := 0; i < len(n.parts); i += 2 {
		list = append(list, plain(r.eval(n.parts[i])))
	}
	return list
}

func (r *run) hash(n *Node) any {
	h := NewHash()
	body := n.child("hash_literal_body")
	if body == nil {
		return h
	}
	for _, entry := range body.parts {
		key := entry.parts[0].parts[0]
		name := key.Text()
		if key.Type != "simple_name" {
			name = Text(r.eval(key))
		}
		if _, twice := h.Get(name); twice {
			throw("Duplicate keys '%s' are not allowed in hash literals.", name)
		}
		h.Set(name, plain(r.value(entry.parts[2])))
	}
	return h
}

func (r *run) unary(n *Node) any {
	if len(n.parts) == 1 {
		return r.eval(n.parts[0])
	}
	value := r.eval(n.parts[1])
	switch strings.ToLower(n.parts[0].Text()) {
	case "-not", "!":
		return !truth(value)
	case "-":
		return -r.whole(n, "int", value)
	case ",":
		return []any{plain(value)}
	}
	r.unknown(n, "the operator %s", n.parts[0].Text())
	return nil
}

// typeOf is a type in brackets by its usual short name.
func typeOf(n *Node) typeName {
	name := strings.ToLower(strings.Trim(n.Text(), " "))
	name = strings.TrimPrefix(name[1:len(name)-1], "system.")
	return typeName(name)
}

// assignment is a variable, a key or an index that gets a value; it puts nothing out.
func (r *run) assignment(n *Node) {
	target := n.parts[0].parts[0]
	value := r.value(n.parts[2])
	switch operator := n.parts[1].Text(); operator {
	case "=":
	case "+=":
		value = add(r, n, r.eval(target), value)
	case "-=":
		value = arithmetic(r, n, r.eval(target), value)
	default:
		r.unknown(n, "the assignment %s", operator)
	}
	r.assignTo(target, "", value)
}

// assignTo stores a value in what an expression names.
func (r *run) assignTo(n *Node, kind typeName, value any) {
	switch n.Type {
	case "variable":
		r.write(n, kind, value)
	case "cast_expression":
		r.assignTo(n.parts[1], typeOf(n.parts[0]), value)
	case "element_access":
		h, ok := plain(r.eval(n.parts[0])).(*Hash)
		if !ok {
			r.unknown(n, "a change of an item of what is no hash table")
		}
		h.Set(Text(r.eval(n.parts[2])), plain(value))
	default:
		if len(n.parts) != 1 {
			r.unknown(n, "an assignment to a %s", n.Type)
		}
		r.assignTo(n.parts[0], kind, value)
	}
}
