package main

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unknown stands for a part of a text that only a run of the program can tell.
const unknown = "…"

// goSource is all Go code of the repository without its tests, with types. It evaluates expressions as far as the code tells
// their values, wherever the code is.
type goSource struct {
	info   types.Info
	set    *token.FileSet
	files  []*ast.File
	calls  map[types.Object][]*ast.CallExpr
	values map[types.Object][]value // what is assigned to a variable, a field, or a parameter
	result map[types.Object][]value // what a function returns first
}

// value is an expression, or one of the results of a call.
type value struct {
	expr   ast.Expr
	result bool // not the first one: nothing is known of it
}

// readSource loads the packages that the patterns name. Packages of others come as the compiler left them.
func readSource(t *testing.T, pattern string) *goSource {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-json=ImportPath,Dir,GoFiles,Export,Standard", pattern).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	s := &goSource{
		set: token.NewFileSet(),
		info: types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		},
		calls: map[types.Object][]*ast.CallExpr{}, values: map[types.Object][]value{}, result: map[types.Object][]value{},
	}
	exports, checked, files := map[string]string{}, map[string]*types.Package{}, s.set
	others := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	config := types.Config{Importer: importing(func(path string) (*types.Package, error) {
		if p := checked[path]; p != nil {
			return p, nil
		}
		return others.Import(path)
	})}
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); { // what is imported comes before what imports it
		var p struct {
			ImportPath, Dir, Export string
			GoFiles                 []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if !strings.HasPrefix(p.ImportPath, "annals/") || forTests(p.ImportPath) {
			continue
		}
		var parsed []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			parsed = append(parsed, f)
		}
		if checked[p.ImportPath], err = config.Check(p.ImportPath, files, parsed, &s.info); err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, parsed...)
	}
	for _, f := range s.files {
		ast.Inspect(f, s.collect)
	}
	return s
}

type importing func(string) (*types.Package, error)

func (i importing) Import(path string) (*types.Package, error) { return i(path) }

// collect notes what a piece of code calls, assigns and returns.
func (s *goSource) collect(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		s.returns(n)
	case *ast.CallExpr:
		f, ok := s.object(n.Fun).(*types.Func)
		if !ok {
			break
		}
		s.calls[f] = append(s.calls[f], n)
		parameters := f.Signature().Params()
		for i, arg := range n.Args {
			if i < parameters.Len() {
				s.assign(parameters.At(i), value{expr: arg})
			}
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if o := s.object(left); len(n.Rhs) == len(n.Lhs) {
				s.assign(o, value{expr: n.Rhs[i]})
			} else {
				s.assign(o, value{expr: n.Rhs[0], result: i > 0})
			}
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if len(n.Values) == len(n.Names) {
				s.assign(s.info.Defs[name], value{expr: n.Values[i]})
			}
		}
	case *ast.CompositeLit:
		for _, e := range n.Elts {
			if field, ok := e.(*ast.KeyValueExpr); ok {
				s.assign(s.object(field.Key), value{expr: field.Value})
			}
		}
	}
	return true
}

func (s *goSource) assign(to types.Object, v value) {
	if to, ok := to.(*types.Var); ok {
		s.values[to.Origin()] = append(s.values[to.Origin()], v)
	}
}

func (s *goSource) returns(f *ast.FuncDecl) {
	if f.Body == nil {
		return
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) > 0 {
				o := s.info.Defs[f.Name]
				s.result[o] = append(s.result[o], value{expr: n.Results[0]})
			}
		}
		return true
	})
}

// object is what an expression names: a function, a variable, a field.
func (s *goSource) object(e ast.Expr) types.Object {
	switch e := e.(type) {
	case *ast.Ident:
		if o := s.info.Defs[e]; o != nil {
			return o
		}
		return s.info.Uses[e]
	case *ast.SelectorExpr:
		return s.info.Uses[e.Sel]
	case *ast.IndexExpr: // of a generic function
		return s.object(e.X)
	}
	return nil
}

// texts are the values that an expression may have, with unknown for what the code does not tell. Those of a parameter are
// one for each call.
func (s *goSource) texts(e ast.Expr) []string { return s.evaluate(e, map[types.Object]bool{}) }

func (s *goSource) evaluate(e ast.Expr, within map[types.Object]bool) []string {
	if known := s.info.Types[e].Value; known != nil {
		if known.Kind() == constant.String {
			return []string{constant.StringVal(known)}
		}
		return []string{unknown}
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return s.evaluate(e.X, within)
	case *ast.BinaryExpr:
		var all []string
		for _, left := range s.evaluate(e.X, within) {
			for _, right := range s.evaluate(e.Y, within) {
				all = append(all, strings.ReplaceAll(left+right, unknown+unknown, unknown))
			}
		}
		return all
	case *ast.CallExpr:
		if s.info.Types[e.Fun].IsType() {
			return s.evaluate(e.Args[0], within)
		}
		if f, ok := s.object(e.Fun).(*types.Func); ok {
			return s.union(f, s.result[f.Origin()], within)
		}
	case *ast.Ident, *ast.SelectorExpr:
		if v, ok := s.object(e).(*types.Var); ok {
			return s.union(v, s.values[v.Origin()], within)
		}
	}
	return []string{unknown}
}

func (s *goSource) union(of types.Object, values []value, within map[types.Object]bool) []string {
	if within[of] {
		return nil
	}
	within[of] = true
	defer delete(within, of)
	var all []string
	for _, v := range values {
		if v.result {
			all = append(all, unknown)
		} else {
			all = append(all, s.evaluate(v.expr, within)...)
		}
	}
	if len(values) == 0 {
		return []string{unknown}
	}
	if v, ok := of.(*types.Var); ok && v.Kind() == types.ParamVar {
		return all
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// assigned are the texts that the code gives to a field of a struct, wherever it does.
func (s *goSource) assigned(in, owner, field string) []string {
	var all []string
	for o := range s.values {
		v, ok := o.(*types.Var)
		if ok && v.IsField() && v.Name() == field && v.Pkg().Path() == in && belongs(v, owner) {
			all = append(all, s.union(v, s.values[v], map[types.Object]bool{})...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func belongs(field *types.Var, owner string) bool {
	o := field.Pkg().Scope().Lookup(owner)
	if o == nil {
		return false
	}
	fields, ok := o.Type().Underlying().(*types.Struct)
	return ok && slices.Contains(slices.Collect(fields.Fields()), field)
}

// called are the calls of a function.
func (s *goSource) called(in, name string) []*ast.CallExpr {
	var all []*ast.CallExpr
	for f, calls := range s.calls {
		if f.Pkg() != nil && f.Pkg().Path() == in && f.Name() == name {
			all = append(all, calls...)
		}
	}
	return all
}

// literals are all texts that stand in the code.
func (s *goSource) literals() []string {
	var all []string
	for e, known := range s.info.Types {
		if _, literal := e.(*ast.BasicLit); literal && known.Value != nil && known.Value.Kind() == constant.String {
			all = append(all, constant.StringVal(known.Value))
		}
	}
	return all
}
