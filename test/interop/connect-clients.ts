import type { Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import * as web from '@connectrpc/connect-web';

export interface ConnectClientKind {
  readonly name: string;
  readonly transport: (baseUrl: string) => Transport;
  /** What a client of this kind can do besides unary calls and streams from the server. */
  readonly streams: 'none' | 'client' | 'both';
}

/** connect-node and connect-web, every protocol and encoding they speak. */
export const connectClientKinds: readonly ConnectClientKind[] = [
  {
    name: 'connect-node: Connect, HTTP/1.1, protobuf',
    streams: 'client',
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
  },
  {
    name: 'connect-node: Connect, HTTP/1.1, JSON',
    streams: 'client',
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: false }),
  },
  {
    name: 'connect-node: Connect, HTTP/2, protobuf, queries by GET',
    streams: 'both',
    transport: (baseUrl) =>
      createConnectTransport({
        baseUrl,
        httpVersion: '2',
        useBinaryFormat: true,
        useHttpGet: true,
      }),
  },
  {
    name: 'connect-node: Connect, HTTP/2, JSON',
    streams: 'both',
    transport: (baseUrl) =>
      createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: false }),
  },
  {
    name: 'connect-node: gRPC, protobuf',
    streams: 'both',
    transport: (baseUrl) => createGrpcTransport({ baseUrl }),
  },
  {
    name: 'connect-node: gRPC, JSON',
    streams: 'both',
    transport: (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  },
  {
    name: 'connect-node: gRPC-Web, HTTP/1.1',
    streams: 'client',
    transport: (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  },
  {
    name: 'connect-node: gRPC-Web, HTTP/2',
    streams: 'both',
    transport: (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: '2' }),
  },
  {
    name: 'connect-web: Connect, JSON',
    streams: 'none',
    transport: (baseUrl) => web.createConnectTransport({ baseUrl }),
  },
  {
    name: 'connect-web: Connect, protobuf, queries by GET',
    streams: 'none',
    transport: (baseUrl) =>
      web.createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true }),
  },
  {
    name: 'connect-web: Connect, JSON, queries by GET',
    streams: 'none',
    transport: (baseUrl) => web.createConnectTransport({ baseUrl, useHttpGet: true }),
  },
  {
    name: 'connect-web: gRPC-Web',
    streams: 'none',
    transport: (baseUrl) => web.createGrpcWebTransport({ baseUrl }),
  },
];
