package histories

import (
	"reflect"
	"testing"
)

// TestResetEmptiesEverything: also a field that is new.
func TestResetEmptiesEverything(t *testing.T) {
	var o Op
	v := reflect.ValueOf(&o).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 4))
		case reflect.String:
			f.SetString("x")
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Struct:
			for j := range f.NumField() {
				if f.Field(j).CanInt() {
					f.Field(j).SetInt(1)
				} else {
					f.Field(j).SetUint(1)
				}
			}
		default:
			if f.CanInt() {
				f.SetInt(1)
			} else {
				f.SetUint(1)
			}
		}
	}
	c := o.Clone()
	if !reflect.DeepEqual(*c, o) {
		t.Errorf("a clone is\n%+v\nwant\n%+v", *c, o)
	}
	o.Reset()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && (f.Len() > 0 || f.Cap() != 4) || f.Kind() != reflect.Slice && !f.IsZero() {
			t.Errorf("%s is %v after a reset, with room for %d", v.Type().Field(i).Name, f, 4)
		}
	}
}
