package checker

import (
	"reflect"
	"testing"

	"github.com/ackproof/ackproof/histories"
)

// full gives every field of a value something that is not its zero.
func full(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			full(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			full(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	default:
		v.SetInt(1)
	}
}

// TestBatchCopies: a batch holds entries as they were given, whatever stood in
// their place before, and shares no slice with them.
func TestBatchCopies(t *testing.T) {
	var whole, twice histories.Op
	full(reflect.ValueOf(&whole).Elem())
	full(reflect.ValueOf(&twice).Elem())
	plain := histories.Op{Index: 1, F: histories.Send, Mops: []histories.Mop{{Send: true}}}
	b := &batch{}
	for range 3 {
		b.reset()
		for _, op := range []histories.Op{whole, plain, {}, whole, {}, plain} {
			b.add(&op)
		}
		for i, want := range []histories.Op{whole, plain, {}, whole, {}, plain} {
			if !reflect.DeepEqual(b.ops[i], want) {
				t.Fatalf("entry %d of the batch is\n%+v\nwant\n%+v", i, b.ops[i], want)
			}
		}
		b.reset()
		for _, op := range []histories.Op{{}, whole, plain} {
			b.add(&op)
		}
		if !reflect.DeepEqual(b.ops, []histories.Op{{}, whole, plain}) {
			t.Fatalf("the batch that is used again holds\n%+v", b.ops)
		}
		b.add(&whole)
		v := reflect.ValueOf(&whole).Elem()
		for i := range v.NumField() { // readers write over what they lent
			if f := v.Field(i); f.Kind() == reflect.Slice {
				f.Index(0).SetZero()
			}
		}
		if !reflect.DeepEqual(b.ops[3], twice) {
			t.Fatalf("the batch shares what was lent:\n%+v", b.ops[3])
		}
		full(reflect.ValueOf(&whole).Elem())
	}
}
