package pstest

import (
	"slices"
	"strings"
)

// formatTable makes a line of each object: its columns with bars between them.
func formatTable(c *Call) {
	for _, item := range c.Input {
		o, ok := item.(*Object)
		if !ok {
			c.Unknown("of %T", item)
		}
		var cells []string
		for _, column := range items(c.Value("Property")) {
			cells = append(cells, c.cell(o, column))
		}
		c.Out(strings.Join(cells, " | "))
	}
}

// cell is a column's text: of a property by its name, or of a calculated one.
func (c *Call) cell(o *Object, column any) string {
	if table, ok := column.(*Hash); ok {
		column = c.calculated(table)
	}
	if block, ok := column.(*ScriptBlock); ok {
		return Text(gathered(gather(func(out sink) { c.run.apply(block, o, out) })))
	}
	if _, known := o.Get(Text(column)); !known {
		c.Unknown("of a property %s, which the object does not have", Text(column))
	}
	return o.Text(Text(column))
}

// calculated is the expression of a column that has a label of its own.
func (c *Call) calculated(table *Hash) any {
	for _, key := range table.names {
		if !slices.Contains([]string{"label", "name", "expression", "width", "alignment"}, strings.ToLower(key)) {
			c.Unknown("with %s in a column", key)
		}
	}
	expression, ok := table.Get("Expression")
	if !ok {
		c.Unknown("of a column without an expression")
	}
	return expression
}
