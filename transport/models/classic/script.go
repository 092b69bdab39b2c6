package classic

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// script is what the machine knows; the machine itself knows no English. doctor.txt explains the notation.
type script struct {
	start   *rule // what is said when nobody has said anything
	none    *rule // what is said when no keyword leads anywhere
	rewrite phrases
	reflect phrases
	tags    map[string][]string
	keys    map[string]*keyword
}

// keyword holds the rules that a word calls up. The words of one block share it.
type keyword struct {
	rank     int
	same     string // the keyword that stands for this one (1966: =KEY)
	rules    []*rule
	memories []*rule
}

// rule is a decomposition with its reassemblies, which are used in turn.
type rule struct {
	pattern pattern
	answers []answer
}

// answer is one reassembly. A text alone is said; a keyword alone takes over (=KEY); both rephrase what was said for that
// keyword (PRE); neither leaves it to the next keyword (NEWKEY).
type answer struct{ text, then string }

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// parser reads a script line by line; key and rule are the blocks that a line adds to.
type parser struct {
	*script
	key  *keyword
	rule *rule
	refs []reference
}

// reference is a keyword that some line counts on, checked when all are known.
type reference struct {
	line int
	key  string
}

func parse(text string) (*script, error) {
	p := &parser{script: &script{
		start: &rule{}, none: &rule{},
		rewrite: phrases{}, reflect: phrases{}, tags: map[string][]string{}, keys: map[string]*keyword{},
	}}
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		directive, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if directive == "" {
			continue
		}
		if err := p.line(n, directive, strings.TrimSpace(rest)); err != nil {
			return nil, fmt.Errorf("script line %d (%s): %w", n, directive, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the script: %w", err)
	}
	return p.script, p.complete()
}

func (p *parser) line(n int, directive, rest string) error {
	switch directive {
	case "start":
		p.key, p.rule = nil, p.start
	case "none":
		p.key, p.rule = nil, p.none
	case "rewrite":
		return addPhrase(p.rewrite, rest)
	case "reflect":
		return addPhrase(p.reflect, rest)
	case "tag":
		words := strings.Fields(rest)
		if len(words) < 2 {
			return errors.New("a tag needs a name and words, as in \"tag family mother father\"")
		}
		p.tags[words[0]] = append(p.tags[words[0]], words[1:]...)
	case "key":
		return p.addKey(rest)
	case "match", "memory":
		return p.addRule(directive, rest)
	case "say", "go", "pre", "newkey":
		return p.addAnswer(n, directive, rest)
	default:
		return errors.New("unknown word at the beginning of the line: see the top of doctor.txt for those that there are")
	}
	return nil
}

func addPhrase(to phrases, text string) error {
	from, into, ok := strings.Cut(text, "->")
	if !ok || strings.Trim(from, " $") == "" {
		return fmt.Errorf("%q is not an exchange, as in \"i am -> you are\"", text)
	}
	to.add(strings.Fields(from), strings.Fields(into))
	return nil
}

func (p *parser) addKey(text string) error {
	words := strings.Fields(text)
	if len(words) < 2 {
		return errors.New("a key needs words and a rank, as in \"key yes yeah 1\"")
	}
	last := len(words) - 1
	rank, err := strconv.Atoi(words[last])
	if err != nil {
		return fmt.Errorf("the rank %q is not a number", words[last])
	}
	p.key, p.rule = &keyword{rank: rank}, nil
	for _, w := range words[:last] {
		if p.keys[w] != nil {
			return fmt.Errorf("the word %q has rules already: put these with them", w)
		}
		p.keys[w] = p.key
	}
	return nil
}

func (p *parser) addRule(directive, text string) error {
	if p.key == nil {
		return errors.New("a rule stands below a key")
	}
	pattern, err := parsePattern(text, p.tags)
	if err != nil {
		return err
	}
	p.rule = &rule{pattern: pattern}
	if directive == "memory" {
		p.key.memories = append(p.key.memories, p.rule)
	} else {
		p.key.rules = append(p.key.rules, p.rule)
	}
	return nil
}

func (p *parser) addAnswer(n int, directive, text string) error {
	var a answer
	switch directive {
	case "say":
		a.text = text
	case "go":
		a.then = text
	case "pre":
		before, then, _ := strings.Cut(text, "->")
		a.text, a.then = strings.TrimSpace(before), strings.TrimSpace(then)
	}
	if (directive == "say" || directive == "pre") && a.text == "" || (directive == "go" || directive == "pre") && a.then == "" {
		return fmt.Errorf("something is missing in %q", text)
	}
	if a.then != "" {
		p.refs = append(p.refs, reference{n, a.then})
	}
	if p.rule == nil && p.key != nil && directive == "go" {
		p.key.same = a.then
		return nil
	}
	if p.rule == nil {
		return errors.New("there is no rule above to which this belongs")
	}
	for _, m := range placeholder.FindAllStringSubmatch(a.text, -1) {
		if part, err := strconv.Atoi(m[1]); m[1] != "agent" && (err != nil || part < 1 || part > len(p.rule.pattern)) {
			return fmt.Errorf("%s names no part: the rule above has %d", m[0], len(p.rule.pattern))
		}
	}
	p.rule.answers = append(p.rule.answers, a)
	return nil
}

// complete refuses a script that could leave the machine without a word.
func (p *parser) complete() error {
	for _, ref := range p.refs {
		if p.keys[ref.key] == nil {
			return fmt.Errorf("script line %d: there is no key %q to go to", ref.line, ref.key)
		}
	}
	for word, key := range p.keys {
		if key.same == "" && len(key.rules) == 0 {
			return fmt.Errorf("the key %q has no rules and goes nowhere", word)
		}
		for _, r := range append(key.rules, key.memories...) {
			if len(r.answers) == 0 {
				return fmt.Errorf("a rule of the key %q has no answer", word)
			}
		}
	}
	for _, r := range []*rule{p.start, p.none} {
		if len(r.answers) == 0 {
			return errors.New("the script needs a \"start\" and a \"none\", each with something to say")
		}
		for _, a := range r.answers {
			if a.text == "" || a.then != "" {
				return errors.New("\"start\" and \"none\" can only say something: nobody else would")
			}
		}
	}
	return nil
}
