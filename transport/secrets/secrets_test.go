package secrets

import "testing"

func TestSecretsAreDecryptedAsElizaOSDoes(t *testing.T) {
	t.Parallel()
	const iv = "07070707070707070707070707070707"
	v := New("secretsalt")
	if got := v.Decrypt(iv + ":1bda8757dc3e905ba5c8fceff397bbca"); got != "plain" {
		t.Errorf("decrypted: %q", got)
	}
	for _, other := range []string{
		"", "plain", "a:b", iv + ":", iv + ":1bda", iv + ":zz", iv[:30] + ":1bda8757dc3e905ba5c8fceff397bbca", iv + ":1bda8757dc3e905ba5c8fceff397bbca:",
	} {
		if got := v.Decrypt(other); got != other {
			t.Errorf("%q became %q", other, got)
		}
	}
	if got := New("another salt").Decrypt(iv + ":1bda8757dc3e905ba5c8fceff397bbca"); got != "plain" {
		t.Errorf("what ElizaOS's default salt encrypted became %q", got)
	}
}
