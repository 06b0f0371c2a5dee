package real

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

const (
	imageName = "firedrill-node"
	// programPath is where the image holds this program, which is all that it holds.
	programPath = "/firedrill/firedrill"
)

// ensureImage returns the tag of the image that holds the program, which it makes unless the engine has it. It removes
// older images of ours that nobody uses.
func (d *Docker) ensureImage(ctx context.Context, program string) (string, error) {
	data, err := os.ReadFile(program)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	tag := imageName + ":" + hex.EncodeToString(sum[:8])
	_, err = d.client.ImageInspect(ctx, tag)
	if errdefs.IsNotFound(err) {
		err = d.makeImage(ctx, tag, data)
	}
	if err != nil {
		return "", fmt.Errorf("the image %s: %w", tag, err)
	}
	return tag, d.removeImagesBut(ctx, tag)
}

// makeImage makes an image from scratch. The engine takes the files of an image as they are; no builder is needed.
func (d *Docker) makeImage(ctx context.Context, tag string, program []byte) error {
	files, writer := io.Pipe()
	go func() { writer.CloseWithError(writeFiles(writer, program)) }()
	defer files.Close()
	answer, err := d.client.ImageImport(ctx, client.ImageImportSource{Source: files, SourceName: "-"}, imageName, client.ImageImportOptions{
		Tag:     tag[len(imageName)+1:],
		Changes: []string{`ENTRYPOINT ["` + programPath + `","node"]`, "LABEL " + labelOurs + "=image"},
	})
	if err != nil {
		return err
	}
	defer answer.Close()
	if _, err := io.Copy(io.Discard, answer); err != nil {
		return err
	}
	_, err = d.client.ImageInspect(ctx, tag) // what goes wrong on the way is told in the answer's text only
	return err
}

func writeFiles(w io.Writer, program []byte) error {
	t := tar.NewWriter(w)
	for _, dir := range []string{"firedrill/", "tmp/"} {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return err
		}
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: programPath[1:], Mode: 0o755, Size: int64(len(program))}); err != nil {
		return err
	}
	if _, err := t.Write(program); err != nil {
		return err
	}
	return t.Close()
}

// imageKept is how long an image is left alone: another version of this program may be about to use it.
const imageKept = time.Hour

// removeImagesBut removes our older images but one. An image that a container uses stays.
func (d *Docker) removeImagesBut(ctx context.Context, tag string) error {
	all, err := d.client.ImageList(ctx, client.ImageListOptions{Filters: ours()})
	if err != nil {
		return err
	}
	for _, image := range all.Items {
		for _, other := range image.RepoTags {
			if other == tag || time.Since(time.Unix(image.Created, 0)) < imageKept {
				continue
			}
			if _, err := d.client.ImageRemove(ctx, other, client.ImageRemoveOptions{}); removed(err) != nil {
				return err
			}
		}
	}
	return nil
}
