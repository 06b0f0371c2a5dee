package scenarios

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Chosen is a scenario and the argument by which a user named it, which a replay needs.
type Chosen struct {
	*Scenario
	Argument string // a name of the suite, or the path of a file
}

// Choose finds what the arguments of a command name: scenarios of the suite by name, files by path; no argument
// means the whole suite. Two scenarios of one name are refused, because results are kept by name.
func Choose(arguments []string) ([]Chosen, error) {
	if len(arguments) == 0 {
		names, err := suiteNames()
		if err != nil {
			return nil, err
		}
		arguments = names
	}
	var out []Chosen
	named := make(map[string]string)
	for _, a := range arguments {
		s, err := one(a)
		if err != nil {
			return nil, err
		}
		if before, twice := named[s.Name]; twice {
			return nil, fmt.Errorf("%s and %s are both named %q; results are kept by name, so play them one after the other", before, a, s.Name)
		}
		named[s.Name] = a
		out = append(out, Chosen{s, a})
	}
	return out, nil
}

// one tells a path from a name by what only paths have.
func one(argument string) (*Scenario, error) {
	if strings.ContainsRune(argument, filepath.Separator) || filepath.Ext(argument) != "" {
		return Load(argument)
	}
	return Find(argument)
}
