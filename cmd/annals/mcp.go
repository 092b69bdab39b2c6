package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"annals/cmd/internal/node"
	"annals/transport/httpapi/mcp"
)

// MCP is the command with which an assistant uses a running server: it speaks the Model Context Protocol over its standard input and
// output, and asks the server's API.
type MCP struct {
	URL     string `name:"url" placeholder:"URL" help:"Address of the server; otherwise of the one that holds the data folder."`
	Key     string `name:"key" env:"ELIZA_SERVER_AUTH_TOKEN" help:"The key of the server. Prefer the environment: command lines are visible to other users."`
	DataDir string `name:"data-dir" env:"DATA_DIR" default:".annals" help:"Where everything of the server is kept."`
}

// answerTime bounds a question to the server: it may wait a minute for the answers of agents.
const answerTime = 70 * time.Second

// Run implements the command. It ends with its standard input.
func (m *MCP) Run(ctx context.Context) error {
	if _, err := m.base(); err != nil {
		return err
	}
	api := &mcp.Remote{Base: m.base, Key: m.Key, HTTP: &http.Client{Timeout: answerTime, Transport: &http.Transport{}}}
	err := mcp.NewServer(node.Version, api).Run(ctx, &sdk.StdioTransport{})
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// base is where the server answers.
func (m *MCP) base() (*url.URL, error) {
	if m.URL != "" {
		u, err := url.Parse(m.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, wrongUsage("--url %.100q is no address such as http://localhost:3000", m.URL)
		}
		return u, nil
	}
	dir, err := filepath.Abs(m.DataDir)
	if err != nil {
		return nil, err
	}
	address := node.ServerURL(dir)
	if address == "" {
		return nil, fmt.Errorf("no server runs on %s: start it with annals serve, set DATA_DIR to the folder of one that runs, or name its address with --url", dir)
	}
	return url.Parse(address)
}
