package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"annals/transport/models"
)

func deployed(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNodesOfTheComposeFileShareUploadsAndPassSettingsOn(t *testing.T) {
	t.Parallel()
	compose := deployed(t, "compose.yaml")
	for _, name := range append(models.Environment(), "AGENT_MODEL_HOSTS", "CORS_ORIGIN", "TRUSTED_PROXIES", "SECRET_SALT") {
		if !strings.Contains(compose, "\n    "+name+": ${"+name+":-}\n") {
			t.Errorf("%s is not passed on", name)
		}
	}
	if !strings.Contains(compose, "BLOBS_URL: file:///blobs\n") || strings.Count(compose, "blobs:/blobs") != 2 {
		t.Error("the two nodes have no folder of uploads in common")
	}
}

func TestImagesArePinnedByVersion(t *testing.T) {
	t.Parallel()
	images := regexp.MustCompile(`(?m)^(?:FROM| +image:) (\S+)`).FindAllStringSubmatch(deployed(t, "Dockerfile")+deployed(t, "compose.yaml"), -1)
	pinned := regexp.MustCompile(`^[a-z/]+:\d+\.\d+`)
	for _, image := range images {
		if image[1] != "annals" && !pinned.MatchString(image[1]) {
			t.Errorf("%s is not pinned", image[1])
		}
	}
	if len(images) != 5 {
		t.Errorf("these are not all images: %q", images)
	}
	if !strings.Contains(deployed(t, "Dockerfile"), "\nHEALTHCHECK ") {
		t.Error("the image has no health check")
	}
}

func TestBuildsLeaveOutWhatIsLinkedInThroughOthersAndNeverUsed(t *testing.T) {
	t.Parallel()
	makefile := regexp.MustCompile(`(?m)^export GOFLAGS := .* -tags=(\S+)$`).FindStringSubmatch(deployed(t, "../Makefile"))
	if makefile == nil {
		t.Fatal("the Makefile names no build tags")
	}
	if !strings.Contains(deployed(t, "Dockerfile"), "go build -tags "+makefile[1]+" ") || !strings.Contains(deployed(t, "../.ci/run"), " -tags="+makefile[1]+`"`) {
		t.Errorf("the Dockerfile or .ci/run builds with other tags than %s", makefile[1])
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-tags", makefile[1], "-deps", ".").Output()
	if err != nil || !strings.Contains(string(out), "github.com/gin-gonic/gin\n") {
		t.Fatalf("%v: %.200s", err, out)
	}
	if strings.Contains(string(out), "github.com/ugorji/go/codec\n") {
		t.Error("MessagePack is linked")
	}
}
