package histories

// Nearly all entries are spelled as one printer spells them. Those are read here
// and in plain_edn.go and plain_json.go, without a question to the grammar; for
// anything else the decoder is asked, which takes every spelling and says what is
// wrong. Whatever is read here, the decoder would have read the same.

// plainPrefix is bytes.HasPrefix, small enough that the compiler compares words.
func plainPrefix(b []byte, word string) bool {
	return len(b) >= len(word) && string(b[:len(word)]) == word
}

// plainInt reads digits, as many as an int64 always holds; -1 for the place
// where there are none, or more.
func plainInt(b []byte, i int) (v int64, next int) {
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		v = v*10 + int64(b[i]-'0')
		i++
	}
	if n := i - start; n == 0 || n > 18 {
		return 0, -1
	}
	return v, i
}

// plainRec reads one [offset, value], sep between the two, as it is written as a
// rule; false where it is spelled otherwise.
func plainRec(b []byte, i int, sep byte) (r Rec, next int, ok bool) {
	if i >= len(b) || b[i] != '[' {
		return r, i, false
	}
	i++
	start := i
	for i < len(b) && b[i]-'0' <= 9 {
		r.Offset = r.Offset*10 + int64(b[i]-'0')
		i++
	}
	if n := i - start; n == 0 || n > 18 || i >= len(b) || b[i] != sep {
		return r, i, false
	}
	i++
	start = i
	for i < len(b) && b[i]-'0' <= 9 {
		r.Value = r.Value*10 + int64(b[i]-'0')
		i++
	}
	if n := i - start; n == 0 || n > 18 || i >= len(b) || b[i] != ']' {
		return r, i, false
	}
	return r, i + 1, true
}

// plainRecs reads one record or more behind the bracket that opens their list,
// and the bracket that closes it.
func plainRecs(b []byte, i int, sep byte, o *Op) int {
	for {
		r, next, ok := plainRec(b, i, sep)
		if i = next; !ok || i >= len(b) {
			return -1
		}
		o.Recs = append(o.Recs, r)
		if b[i] == ']' {
			return i + 1
		}
		if b[i] != sep {
			return -1
		}
		i++
	}
}
