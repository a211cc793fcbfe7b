package federation

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-playground/validator/v10"
)

// Limits of free text and of pattern lengths (guide p.53: 255 characters).
const maxText = 255

var rules = newRules()

// newRules registers the field rules that the ground's structs name in their validate tags. A rule only says yes or no;
// sentence turns a no into words.
func newRules() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		return strings.Split(f.Tag.Get("yaml"), ",")[0]
	})
	add := func(name string, ok func(string) error) {
		// The name is a constant and the function is not nil, which is all that can fail here.
		_ = v.RegisterValidation(name, func(fl validator.FieldLevel) bool { return ok(fl.Field().String()) == nil })
	}
	for name, check := range textRules {
		add(name, check)
	}
	return v
}

// textRules are the rules whose error is itself the sentence.
var textRules = map[string]func(string) error{
	"domain":   func(s string) error { _, err := ParseDomain(s); return err },
	"name":     func(s string) error { _, err := ParseFQDN(s); return err },
	"address":  func(s string) error { _, err := ParseAddress(s); return err },
	"host":     checkHost,
	"uri":      checkSIPAddress,
	"userid":   checkUserID,
	"text":     checkText,
	"pattern":  func(s string) error { _, err := ParseACLPattern(s); return err },
	"subject":  checkSubject,
	"cipher":   checkCipher,
	"hostport": checkHostPort,
}

// check runs the tags of one struct and returns a sentence per field.
func check(v any) []Problem {
	err := rules.Struct(v)
	if err == nil {
		return nil
	}
	var list []Problem
	for _, fe := range err.(validator.ValidationErrors) {
		list = append(list, Problem{Path: fieldPath(fe), Text: sentence(fe)})
	}
	return list
}

// fieldPath drops the struct's name: StaticRoute.next_hop is next_hop.
func fieldPath(fe validator.FieldError) string {
	_, path, _ := strings.Cut(fe.Namespace(), ".")
	return path
}

// sentence is the one place that turns a broken rule into words.
func sentence(fe validator.FieldError) string {
	if rule, ok := textRules[fe.Tag()]; ok {
		return rule(fmt.Sprint(fe.Value())).Error()
	}
	switch fe.Tag() {
	case "required":
		return requiredSentence(fe.Field())
	case "oneof":
		return fmt.Sprintf("Choose one of %s.", strings.Join(strings.Fields(fe.Param()), ", "))
	case "min", "max":
		return rangeSentence(fe.Field())
	}
	return fmt.Sprintf("This value breaks the rule %s; enter another.", fe.Tag())
}

func requiredSentence(field string) string {
	switch field {
	case "name":
		return "Enter a name."
	case "destination":
		return "Enter the destination: a domain such as synergy.com, or the digits of a user part."
	case "next_hop":
		return "Enter the next hop: an IP address or a fully qualified name."
	case "id":
		return "Enter the user id."
	}
	return fmt.Sprintf("Enter a value for %s.", strings.ReplaceAll(field, "_", " "))
}

func rangeSentence(field string) string {
	switch field {
	case "port":
		return "Enter a port between 1 and 65535."
	case "priority", "weight":
		return fmt.Sprintf("Enter a %s between 1 and 65535.", field)
	}
	return fmt.Sprintf("This value for %s is out of range; enter another.", strings.ReplaceAll(field, "_", " "))
}

func checkText(s string) error {
	if err := CheckNoKey(s); err != nil {
		return err
	}
	if len([]rune(s)) > maxText {
		return fmt.Errorf("At most %d characters fit here; shorten the text.", maxText)
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return fmt.Errorf("Line breaks and control characters do not fit here; write the text on one line.")
		}
	}
	return nil
}

func checkHost(s string) error {
	if IsAddress(s) {
		return nil
	}
	if _, err := ParseFQDN(s); err != nil {
		return fmt.Errorf("Enter an IP address such as 10.1.20.21, or a fully qualified name such as fe1.synergy.com.")
	}
	return nil
}

func checkHostPort(s string) error {
	host, port, ok := cutPort(s)
	n, err := strconv.Atoi(port)
	if !ok || err != nil || n < 1 || n > 65535 || !IsAddress(host) {
		return fmt.Errorf("Enter an IP address and a port, such as 10.1.10.11:5080.")
	}
	return nil
}

func cutPort(s string) (host, port string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", "", false
	}
	return strings.Trim(s[:i], "[]"), s[i+1:], true
}

func checkUserID(s string) error {
	if s == "" || len(s) > 132 || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("<>\",;", r)
	}) {
		return fmt.Errorf("A user id has 1 to 132 characters without blanks, quotes, commas and angle brackets.")
	}
	return nil
}

// checkSIPAddress holds user@domain, without a scheme.
func checkSIPAddress(s string) error {
	i := strings.LastIndexByte(s, '@')
	if i < 1 || strings.Contains(s[:i], "@") || checkUserID(s[:i]) != nil {
		return fmt.Errorf("Enter an address such as ann@synergy.com, without sip: before it.")
	}
	if _, err := ParseFQDN(s[i+1:]); err != nil {
		return fmt.Errorf("Enter an address such as ann@synergy.com; what stands after @ is no domain.")
	}
	return nil
}

// canonicalAddress is the form in which users' addresses are stored and compared: no scheme, lower case.
func canonicalAddress(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	return strings.TrimPrefix(s, "sip:")
}

// AddressDomain is what stands after the last @ of an address.
func AddressDomain(address string) string {
	return address[strings.LastIndexByte(address, '@')+1:]
}
