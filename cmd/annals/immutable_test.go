package main

import (
	"go/ast"
	"go/types"
	"slices"
	"testing"
)

// A command is a value: it says what is wished, and stays as it was made. So nothing refers to one by a pointer, and nothing
// assigns to a part of one.
func TestNoCommandIsChangedAfterItWasMade(t *testing.T) {
	t.Parallel()
	source := readSource(t, ".")
	commands := commandTypes(source)
	if len(commands) < 40 {
		t.Fatalf("only %d commands were found", len(commands))
	}
	for _, f := range source.files {
		ast.Inspect(f, func(n ast.Node) bool {
			for _, changed := range changedBy(n) {
				if ofCommand(source, commands, changed) {
					t.Errorf("%s: a part of a command is changed", source.set.Position(changed.Pos()))
				}
			}
			if e, ok := n.(ast.Expr); ok {
				if p, ok := source.info.Types[e].Type.(*types.Pointer); ok && commands[p.Elem()] {
					t.Errorf("%s: a command is referred to by a pointer", source.set.Position(e.Pos()))
				}
			}
			return true
		})
	}
}

// commandTypes are the types of the package commands that have the methods of a command.
func commandTypes(s *goSource) map[types.Type]bool {
	found := map[types.Type]bool{}
	for _, o := range s.info.Defs {
		named, ok := o.(*types.TypeName)
		if !ok || o.Pkg() == nil || o.Pkg().Path() != "annals/commands" || types.IsInterface(o.Type()) {
			continue
		}
		methods := types.NewMethodSet(types.NewPointer(named.Type()))
		if !slices.ContainsFunc([]string{"Stream", "Admit", "Decide"}, func(m string) bool { return methods.Lookup(o.Pkg(), m) == nil }) {
			found[named.Type()] = true
		}
	}
	return found
}

// changedBy are the expressions that a statement gives another value, or whose address is taken.
func changedBy(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		return n.Lhs
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.RangeStmt:
		return []ast.Expr{n.Key, n.Value}
	case *ast.UnaryExpr:
		if n.Op.String() == "&" {
			return []ast.Expr{n.X}
		}
	}
	return nil
}

// ofCommand reports whether an expression is a field of a command, or a part of one.
func ofCommand(s *goSource, commands map[types.Type]bool, e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return ofCommand(s, commands, e.X)
	case *ast.StarExpr:
		return ofCommand(s, commands, e.X)
	case *ast.IndexExpr:
		return ofCommand(s, commands, e.X)
	case *ast.SelectorExpr:
		return commands[s.info.Types[e.X].Type] || ofCommand(s, commands, e.X)
	}
	return false
}
