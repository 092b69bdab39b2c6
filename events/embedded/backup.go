package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Log is an event log on this machine, whether or not a node has it open.
type Log struct {
	Dir string
	// Socket is where a node that has the log open would answer.
	Socket string
	Logger *slog.Logger
	// FS is for tests of power loss (nil: the disk).
	FS vfs.FS
}

func (l Log) fs() vfs.FS {
	if l.FS == nil {
		return vfs.Default
	}
	return l.FS
}

// Backup copies the log to dir, which must not exist yet and can be opened as a log itself. A node goes on meanwhile, and
// everything that it had acknowledged before is in the copy. Files are linked where the file system allows it.
func (l Log) Backup(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("back up the event log: %s exists: name a folder that does not", dir)
	}
	conn, err := l.dial(ctx)
	if err != nil {
		return err
	}
	if conn != nil {
		defer func() { _ = conn.Close() }()
		if err := conn.Invoke(ctx, backupMethod, wrapperspb.String(dir), &emptypb.Empty{}); err != nil {
			return fmt.Errorf("the node that has the event log: %s", status.Convert(err).Message())
		}
		return nil
	}
	if err := l.there(); err != nil {
		return err
	}
	s, err := openStore(l.Dir, vfs.Default, l.Logger)
	if err != nil {
		return err
	}
	return errors.Join(s.backup(vfs.Default, dir), s.close())
}

// there fails when the folder has no log. It makes nothing in the folder.
func (l Log) there() error {
	_, err := l.fs().Stat(l.Dir)
	if err == nil {
		var found *pebble.DBDesc
		if found, err = pebble.Peek(l.Dir, l.fs()); err == nil && !found.Exists {
			err = &os.PathError{Op: "open", Path: l.Dir, Err: errors.New("the folder has no files of a log")}
		}
	}
	if err != nil {
		return fmt.Errorf("there is no event log in %s: %w", l.Dir, err)
	}
	return nil
}

// dial reaches the node that has the log open; nil without an error means that there is none.
func (l Log) dial(ctx context.Context) (*grpc.ClientConn, error) {
	probe, err := new(net.Dialer).DialContext(ctx, "unix", l.Socket)
	if err != nil {
		return nil, nil //nolint:nilerr // nobody listens
	}
	_ = probe.Close()
	return grpc.NewClient("unix:"+l.Socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// open opens the log to read it. The returned function closes it.
func (l Log) open(ctx context.Context) (s *store, dir string, end func() error, err error) {
	dir, remove, err := l.readable(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	if s, err = openToRead(dir, l.fs(), l.Logger); err != nil {
		return nil, "", nil, errors.Join(err, remove())
	}
	return s, dir, func() error { return errors.Join(s.db.Close(), remove()) }, nil
}

// readable is a folder with the log that nobody has open: its own, or while a node has that, a copy beside it.
func (l Log) readable(ctx context.Context) (dir string, remove func() error, err error) {
	probe, err := l.dial(ctx)
	if err != nil {
		return "", nil, err
	}
	if probe == nil {
		return l.Dir, func() error { return nil }, l.there()
	}
	_ = probe.Close()
	parent, err := os.MkdirTemp(filepath.Dir(l.Dir), "copy-of-"+filepath.Base(l.Dir)+"-")
	if err != nil {
		return "", nil, err
	}
	dir, remove = filepath.Join(parent, "log"), func() error { return os.RemoveAll(parent) }
	if err := l.Backup(ctx, dir); err != nil {
		return "", nil, errors.Join(err, remove())
	}
	return dir, remove, nil
}

// backup makes a copy with all that was published before.
func (s *store) backup(fs vfs.FS, dir string) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	if err := s.db.Checkpoint(dir); err != nil {
		return fmt.Errorf("back up the event log to %s: %w", dir, err)
	}
	ack, err := openAcknowledged(fs, dir)
	if err != nil {
		return err
	}
	err = errors.Join(ack.write(head), ack.close())
	folder, openErr := fs.OpenDir(dir)
	if openErr != nil {
		return errors.Join(err, openErr)
	}
	if f, ok := folder.(interface{ Chmod(os.FileMode) error }); ok { // as the log itself: nobody else's
		err = errors.Join(err, f.Chmod(0o700))
	}
	return errors.Join(err, folder.Sync(), folder.Close())
}

const backupMethod = "/annals.eventstore.Backups/Take"

// backupService takes backups into folders of this machine, for those only who reach the node's unix socket. It is ours,
// not EventStoreDB's.
var backupService = grpc.ServiceDesc{
	ServiceName: "annals.eventstore.Backups",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Take", Handler: takeBackup}},
}

func takeBackup(node any, ctx context.Context, decode func(any) error, through grpc.UnaryServerInterceptor) (any, error) {
	dir := &wrapperspb.StringValue{}
	if err := decode(dir); err != nil {
		return nil, err
	}
	n := node.(*Node) //nolint:forcetypeassert // it was registered with the service
	return through(ctx, dir, &grpc.UnaryServerInfo{Server: n, FullMethod: backupMethod}, func(ctx context.Context, _ any) (any, error) {
		if !local(ctx) {
			return nil, errAccessDenied("backups are taken over the node's unix socket only")
		}
		return &emptypb.Empty{}, n.store.backup(n.fs, dir.GetValue())
	})
}
