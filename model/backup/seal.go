package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// seal encrypts data to a passphrase. Age draws its keys and its salt from crypto/rand.Reader.
func seal(data []byte, passphrase string, workFactor int) (string, error) {
	recipient, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return "", fmt.Errorf("%w: %v", ErrWeakPassphrase, err)
	}
	recipient.SetWorkFactor(workFactor)
	var text strings.Builder
	armored := armor.NewWriter(&text)
	w, err := age.Encrypt(armored, recipient)
	if err != nil {
		return "", fmt.Errorf("backup: secrets cannot be encrypted: %w", err)
	}
	_, err = w.Write(data)
	if err = errors.Join(err, w.Close(), armored.Close()); err != nil {
		return "", fmt.Errorf("backup: secrets cannot be encrypted: %w", err)
	}
	return text.String(), nil
}

// unseal decrypts what [seal] wrote.
func unseal(text, passphrase string) ([]byte, error) {
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	identity.SetMaxWorkFactor(MaxWorkFactor)
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(text)), identity)
	if mismatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &mismatch) && slices.Equal(mismatch.StanzaTypes, []string{"scrypt"}) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, damaged("secrets: %v", err)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		return nil, damaged("secrets: %v", err)
	}
	return out.Bytes(), nil
}
