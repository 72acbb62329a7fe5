package keywright_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keywright"
)

// Scenarios of tests/vectors, whose form its README.md tells.

const vectors = "../../tests/vectors"

// words are what a JSON object of a file holds.
type words map[string]any

// A vocabulary is what scenarios of one module say.
type vocabulary struct {
	mustOpen, mayOpen []string
	operations        map[string]operation
	fields            []string // of its answers
	unlessTold        words    // what a field is that is not named
	record            string   // the argument that names a kept answer
	open              func(client *keywright.Client, spec words) (any, error)
	// call does an operation. It gives what an answer is kept by, and its fields as texts: none where it has no answer.
	call func(t *testing.T, object any, step words, saved map[string]any) ([]outcome, error)
}

type operation struct {
	arguments []string
	answers   bool
	item      []string // of an operation for many: the arguments of each
	entry     []string // of an operation that lists: the fields of each entry
}

// An outcome is one answer.
type outcome struct {
	kept   any
	yes    bool
	fields map[string]string
}

var modules = map[string]vocabulary{
	"counter": counterVocabulary, "joint": jointVocabulary, "limiter": limiterVocabulary, "quota": quotaVocabulary, "top": topVocabulary,
	"unique": uniqueVocabulary,
}

// A scenario is one that was seen to be made of known words.
type scenario struct {
	name    string
	words   vocabulary
	objects map[string]words
	steps   []words
}

func (w words) text(name string) string {
	if text, ok := w[name+"_hex"].(string); ok {
		data, _ := hex.DecodeString(text)
		return string(data)
	}
	text, _ := w[name].(string)
	return text
}

func (w words) number(name string) int64 {
	number, _ := w[name].(json.Number)
	value, _ := number.Int64()
	return value
}

func (w words) has(name string) bool { return w[name] != nil }

func (w words) list(name string) (list []words) {
	items, _ := w[name].([]any)
	for _, item := range items {
		object, _ := item.(map[string]any)
		list = append(list, object)
	}
	return list
}

func (w words) object(name string) words {
	object, _ := w[name].(map[string]any)
	return object
}

// known refuses what nobody would look at, and what lacks something. A field may stand as its bytes in hex.
func known(w words, must []string, may ...string) error {
	found := map[string]bool{}
	for name := range w {
		name = strings.TrimSuffix(name, "_hex")
		found[name] = true
		if !slices.Contains(must, name) && !slices.Contains(may, name) {
			return fmt.Errorf("unknown: %s", name)
		}
	}
	for _, name := range must {
		if !found[name] {
			return fmt.Errorf("missing: %s", name)
		}
	}
	return nil
}

// folderOf reads all of a folder.
func folderOf(folder string) (all []scenario, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("%s has no file", folder)
	}
	for _, file := range files {
		scenarios, err := fileOf(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
		all = append(all, scenarios...)
	}
	return all, nil
}

func fileOf(file string) (all []scenario, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var told words
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&told); err != nil {
		return nil, err
	}
	if err := known(told, []string{"about", "scenarios"}); err != nil {
		return nil, err
	}
	for _, one := range told.list("scenarios") {
		checked, err := scenarioOf(one)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", one.text("name"), err)
		}
		checked.name = strings.TrimSuffix(filepath.Base(file), ".json") + ": " + checked.name
		all = append(all, checked)
	}
	if len(all) == 0 {
		return nil, errors.New("no scenario")
	}
	return all, nil
}

func scenarioOf(told words) (made scenario, err error) {
	if err := known(told, []string{"name", "module", "objects", "steps"}); err != nil {
		return made, err
	}
	vocabulary, ok := modules[told.text("module")]
	if !ok {
		return made, fmt.Errorf("there is no module %s", told["module"])
	}
	made = scenario{name: told.text("name"), words: vocabulary, objects: map[string]words{}, steps: told.list("steps")}
	for alias := range told.object("objects") {
		made.objects[alias] = told.object("objects").object(alias)
		if err := known(made.objects[alias], vocabulary.mustOpen, vocabulary.mayOpen...); err != nil {
			return made, err
		}
	}
	if len(made.objects) == 0 {
		return made, errors.New("no object")
	}
	looks, saved := false, []string{}
	for number, step := range made.steps {
		looking, err := made.check(step)
		if err == nil && vocabulary.operations[step.text("do")].arguments != nil {
			err = made.made(step, saved)
		}
		if err != nil {
			return made, fmt.Errorf("step %d, %v: %w", number, step, err)
		}
		looks = looks || looking
		saved = append(saved, step.text("save"))
	}
	if !looks {
		return made, errors.New("no step that looks at anything")
	}
	return made, nil
}

// on is the name of the object that a step is about.
func (s *scenario) on(step words) string {
	if step.has("on") {
		return step.text("on")
	}
	for only := range s.objects {
		return only
	}
	return ""
}

// made sees that what a step names is there.
func (s *scenario) made(step words, saved []string) error {
	if step.has("on") != (len(s.objects) > 1) {
		return errors.New("it must say on which of several objects")
	}
	record := s.words.record
	if s.objects[s.on(step)] == nil || step.has(record) && !slices.Contains(saved, step.text(record)) {
		return errors.New("nobody made that")
	}
	return nil
}

// check says whether the step looks at something.
func (s *scenario) check(step words) (looks bool, err error) {
	if failure := step.object("fails"); failure != nil {
		if err := known(failure, []string{"status"}, "reason", "position"); err != nil {
			return false, err
		}
	}
	switch do := step.text("do"); do {
	case "clock":
		if step.has("at_us") {
			return false, known(step, []string{"do", "at_us"})
		}
		return false, known(step, []string{"do", "by_us"})
	case "command":
		_, looks = step["reply"]
		return looks, known(step, []string{"do", "words"}, "reply")
	case "state":
		if step.has("value") {
			return true, known(step, []string{"do", "key", "value", "expires_at_ms"})
		}
		return true, known(step, []string{"do", "key", "value"})
	case "open":
		return true, known(step, append([]string{"do", "fails"}, s.words.mustOpen...), s.words.mayOpen...)
	default:
		return true, s.checkOperation(do, step)
	}
}

func (s *scenario) checkOperation(do string, step words) error {
	operation, ok := s.words.operations[do]
	if !ok {
		return fmt.Errorf("nobody does %s", do)
	}
	must := append([]string{"do"}, operation.arguments...)
	if step.has("repeat") {
		must = append(must, "repeat", "admitted")
	}
	if operation.answers && step.has("fails") == step.has("expect") || !operation.answers && step.has("expect") {
		return errors.New("it must expect an answer or fail")
	}
	if err := known(step, must, "on", "save", "expect", "fails"); err != nil {
		return err
	}
	for _, item := range step.list("items") {
		if err := known(item, operation.item); err != nil {
			return err
		}
	}
	mustTell, mayTell := []string{"status"}, s.words.fields
	if operation.entry != nil {
		mustTell, mayTell = operation.entry, nil
	}
	for _, fields := range expected(step) {
		if err := known(fields, mustTell, mayTell...); err != nil {
			return err
		}
	}
	return nil
}

// expected is what is expected of each answer.
func expected(step words) []words {
	if one := step.object("expect"); one != nil {
		return []words{one}
	}
	return step.list("expect")
}

// run does one scenario on an empty server.
func (s *scenario) run(t *testing.T, server *clockServer) error {
	server.command(t, "FLUSHALL")
	client := open(t, server.url)
	objects := map[string]any{}
	for alias, spec := range s.objects {
		object, err := s.words.open(client, spec)
		if err != nil {
			return fmt.Errorf("%s: %w", alias, err)
		}
		objects[alias] = object
	}
	now, saved := int64(0), map[string]any{}
	for number, step := range s.steps {
		var err error
		switch step.text("do") {
		case "clock":
			now += step.number("by_us")
			if step.has("at_us") {
				now = step.number("at_us")
			}
			s.moveTo(t, server, now)
		case "command":
			err = command(t, server, step)
		case "state":
			err = state(t, server, step)
		case "open":
			_, err = s.words.open(client, step)
			err = failing(err, step.object("fails"))
		default:
			err = s.operate(t, objects[s.on(step)], step, saved)
		}
		if err != nil {
			return fmt.Errorf("step %d, %v: %w", number, step, err)
		}
	}
	return nil
}

// moveTo sets the clock and touches what the scenario looks at, so that an expired key is gone.
func (s *scenario) moveTo(t *testing.T, server *clockServer, us int64) {
	server.freeze(t, us)
	for _, step := range s.steps {
		if step.text("do") == "state" {
			server.command(t, "TYPE", step.text("key"))
		}
	}
}

func command(t *testing.T, server *clockServer, step words) error {
	line := []string{}
	for _, word := range step["words"].([]any) {
		line = append(line, word.(string))
	}
	reply := server.command(t, line...)
	if wanted, told := step["reply"]; told && fmt.Sprintf("%#v", reply) != fmt.Sprintf("%#v", wanted) {
		return fmt.Errorf("%#v instead of %#v", reply, wanted)
	}
	return nil
}

func state(t *testing.T, server *clockServer, step words) error {
	if value := server.command(t, "GET", step.text("key")); value != step["value"] {
		return fmt.Errorf("%v instead of %v", value, step["value"])
	}
	if !step.has("value") {
		return nil
	}
	if ends := server.command(t, "PEXPIRETIME", step.text("key")); ends != fmt.Sprint(step["expires_at_ms"]) {
		return fmt.Errorf("it expires at %v instead of %v", ends, step["expires_at_ms"])
	}
	return nil
}

// failing compares an error with what a step says of it.
func failing(err error, wanted words) error {
	var details *keywright.Error
	if !errors.As(err, &details) {
		return fmt.Errorf("%v: it did not fail", err)
	}
	got := map[string]string{
		"status":   name(details.Code),
		"reason":   name(details.Reason),
		"position": fmt.Sprint(details.Position),
	}
	return compare(got, wanted)
}

func compare(got map[string]string, wanted words) error {
	for field, value := range wanted {
		if got[field] != fmt.Sprint(value) {
			return fmt.Errorf("%s is %s instead of %v: %v", field, got[field], value, got)
		}
	}
	return nil
}

// outcomesOf is each of several answers.
func outcomesOf[T any](answers []T, of func(T) outcome) (all []outcome) {
	for _, answer := range answers {
		all = append(all, of(answer))
	}
	return all
}

// name is C's name of an enum's value.
func name(value fmt.Stringer) string {
	return strings.ToUpper(strings.ReplaceAll(value.String(), " ", "_"))
}

func (s *scenario) operate(t *testing.T, object any, step words, saved map[string]any) error {
	times, admitted := max(1, step.number("repeat")), int64(0)
	var answers []outcome
	var err error
	for range times {
		if answers, err = s.words.call(t, object, step, saved); step.has("fails") {
			return failing(err, step.object("fails"))
		}
		// Of many, each has its own status, a failure's too.
		if err != nil && s.words.operations[step.text("do")].item == nil {
			return err
		}
		if len(answers) == 1 && answers[0].yes {
			admitted++
		}
	}
	if step.has("repeat") && admitted != step.number("admitted") {
		return fmt.Errorf("%d were admitted", admitted)
	}
	wanted := expected(step)
	if len(answers) != len(wanted) {
		return fmt.Errorf("%d answers instead of %d", len(answers), len(wanted))
	}
	for i, answer := range answers {
		all := maps.Clone(wanted[i])
		if answer.kept != nil { // it has more than a status
			maps.Copy(all, s.words.unlessTold)
			maps.Copy(all, wanted[i])
		}
		if err := compare(answer.fields, all); err != nil {
			return err
		}
		saved[step.text("save")] = answer.kept
	}
	return nil
}

func TestVectors(t *testing.T) {
	server := startClockServer(t)
	for _, module := range slices.Sorted(maps.Keys(modules)) {
		all := must[[]scenario](t)(folderOf(filepath.Join(vectors, module)))
		for _, one := range all {
			t.Run(module+"/"+one.name, func(t *testing.T) {
				if err := one.run(t, server); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestVectorsOfEveryFolder(t *testing.T) {
	files := must[[]string](t)(filepath.Glob(vectors + "/*/*.json"))
	for _, file := range files {
		if module := filepath.Base(filepath.Dir(file)); module != "refused" && modules[module].call == nil {
			t.Errorf("%s is of a module that nobody runs", file)
		}
	}
}

func TestVectorsThatCannotBeRightAreRefused(t *testing.T) {
	if _, err := folderOf(t.TempDir()); err == nil {
		t.Error("an empty folder was not refused")
	}
	server := startClockServer(t)
	files := must[[]string](t)(filepath.Glob(vectors + "/refused/*.json"))
	if len(files) < 20 {
		t.Fatalf("%d files", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			all, err := fileOf(file)
			for _, one := range all {
				if err == nil {
					err = one.run(t, server)
				}
			}
			if err == nil {
				t.Error("it was not refused")
			}
		})
	}
}
