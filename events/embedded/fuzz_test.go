package embedded_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"annals/events/embedded"
)

// requests are all methods of the services that the node has.
func requests() (methods []protoreflect.MethodDescriptor) {
	for _, file := range []protoreflect.FileDescriptor{
		streams.File_streams_proto, persistent.File_persistent_proto, serverfeatures.File_serverfeatures_proto, gossip.File_gossip_proto,
	} {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				methods = append(methods, service.Methods().Get(j))
			}
		}
	}
	return methods
}

// dice make a message out of bytes, which a fuzzer varies.
type dice struct{ bytes []byte }

func (d *dice) roll(sides int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	b := d.bytes[0]
	d.bytes = d.bytes[1:]
	return int(b) % sides
}

func pick[T any](d *dice, of ...T) T { return of[d.roll(len(of))] }

// fill sets some fields; of those that exclude each other the last set stays.
func (d *dice) fill(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if d.roll(3) == 2 || depth > 6 {
			continue
		}
		switch {
		case f.IsMap():
			for range d.roll(4) {
				key := protoreflect.ValueOfString(pick(d, "type", "content-type", "created", "")).MapKey()
				m.Mutable(f).Map().Set(key, protoreflect.ValueOfString(pick(d, "T", "application/json", "$metadata", "$>", "")))
			}
		case f.IsList() && f.Message() != nil:
			for range d.roll(4) {
				d.fill(m.Mutable(f).List().AppendMutable().Message(), depth+1)
			}
		case f.IsList():
			for range d.roll(4) {
				m.Mutable(f).List().Append(d.value(f))
			}
		case f.Message() != nil:
			d.fill(m.Mutable(f).Message(), depth+1)
		default:
			m.Set(f, d.value(f))
		}
	}
}

func (d *dice) value(f protoreflect.FieldDescriptor) protoreflect.Value {
	n := pick(d, 0, 1, 2, 5, 100, math.MaxInt32, -1, math.MaxInt64, math.MinInt64, int64(d.roll(256)))
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(n%2 == 1)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n % 5))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(n)
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(pick(d, "g", "", "^s", "(", "RoundRobin", "Pinned", "0191e0a4-0000-7000-8000-000000000001", "\x00☃"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(pick(d, []byte("s"), []byte("$$s"), nil, []byte("$all"), []byte(`{"$tb":3}`), []byte("1@s"), []byte{0xff, 0}, make([]byte, 70_000)))
	}
	return f.Default()
}

// exchange sends up to four messages and takes what comes for a moment. It returns the error of the call.
func exchange(t *testing.T, conn *grpc.ClientConn, method protoreflect.MethodDescriptor, d *dice) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	name := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	call, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, name)
	must(t, err)
	kind, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
	must(t, err)
	count := 1
	if method.IsStreamingClient() {
		count = d.roll(5)
	}
	for range count {
		m := kind.New()
		d.fill(m, 0)
		if call.SendMsg(m.Interface()) != nil {
			break // refused already: RecvMsg tells why
		}
	}
	must(t, call.CloseSend())
	answer, err := protoregistry.GlobalTypes.FindMessageByName(method.Output().FullName())
	must(t, err)
	endless := time.AfterFunc(50*time.Millisecond, cancel) // subscriptions
	defer endless.Stop()
	for {
		if err := call.RecvMsg(answer.New().Interface()); err != nil {
			return err
		}
	}
}

// FuzzRequests holds that whatever a client sends is answered, or refused with a status of the protocol: nothing that the
// node did not foresee.
func FuzzRequests(f *testing.F) {
	methods := requests()
	for i := range methods {
		f.Add(uint8(i), []byte{})
		for seed := range uint64(12) {
			random := rand.New(rand.NewPCG(seed, uint64(i)))
			b := make([]byte, 0, 512)
			for len(b) < cap(b) {
				b = binary.LittleEndian.AppendUint64(b, random.Uint64())
			}
			f.Add(uint8(i), b)
		}
	}
	n := startNode(f, embedded.Options{})
	conn := n.raw(f).conn
	foreseen := []codes.Code{
		codes.OK, codes.InvalidArgument, codes.FailedPrecondition, codes.NotFound, codes.AlreadyExists, codes.Canceled, codes.Internal,
	}
	f.Fuzz(func(t *testing.T, method uint8, bytes []byte) {
		m := methods[int(method)%len(methods)]
		err := exchange(t, conn, m, &dice{bytes})
		code := status.Code(err)
		if err != nil && err.Error() == "EOF" {
			code = codes.OK
		}
		holds(t, slices.Contains(foreseen, code), string(m.FullName())+": "+err.Error())
		if code == codes.Internal { // only groups with bad settings
			holds(t, m.Parent().Name() == "PersistentSubscriptions", err.Error())
		}
	})
}
