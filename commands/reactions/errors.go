package reactions

import "errors"

// ErrRefused marks an answer of a model that will not change when it is asked again: a wrong key, an unknown model,
// a prompt that it does not accept.
var ErrRefused = errors.New("the model refused")
