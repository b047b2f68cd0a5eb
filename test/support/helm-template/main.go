// Renders the templates of a chart as Helm does: the same template engine, the same functions. Reads
// {"values": …, "release": {…}, "chart": {…}, "files": {"name": "template"}} and writes {"name": "text"}.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
)

type input struct {
	Values  map[string]interface{}
	Release map[string]interface{}
	Chart   map[string]interface{}
	Files   map[string]string
}

func main() {
	if err := render(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render() error {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	set := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	// JSON is YAML, all on one line.
	functions["toYaml"] = func(value interface{}) (string, error) {
		text, err := json.Marshal(value)
		return string(text), err
	}
	functions["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := set.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	// As on a cluster that has nothing of it yet.
	functions["lookup"] = func(string, string, string, string) map[string]interface{} {
		return map[string]interface{}{}
	}
	set.Funcs(functions)
	for name, text := range in.Files {
		if _, err := set.New(name).Parse(text); err != nil {
			return err
		}
	}
	data := map[string]interface{}{"Values": in.Values, "Release": in.Release, "Chart": in.Chart}
	out := map[string]string{}
	for name := range in.Files {
		var text strings.Builder
		if err := set.ExecuteTemplate(&text, name, data); err != nil {
			return err
		}
		out[name] = text.String()
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
