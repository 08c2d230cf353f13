<?php
/**
 * Talking to Opportune without ever making a page wait: short limits, and silence for a while after a failure.
 *
 * Events are collected and sent after the page has left. An order that could not be told is told again later.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Client {

	const REST_SECONDS = 15;
	const EVENTS_MS    = 2000;
	const HURRIED_MS   = 400;
	const DOWN         = 'opportune_down';
	const MOST_WAITING = 50;

	private static $waiting = array();

	public static function begin() {
		add_action( 'shutdown', array( __CLASS__, 'send_waiting' ), 1000 );
	}

	/**
	 * One request. The answer has `status` (0: none came), `body` and `headers`; it never fails.
	 *
	 * WordPress rounds time limits up to a second, so the limit goes to cURL itself where that is there.
	 */
	public static function ask( $method, $path, $key, $body = '', $limit_ms = 1000, $headers = array() ) {
		$none = array( 'status' => 0, 'body' => '', 'headers' => array() );
		if ( '' === Opportune_Settings::url() || self::is_resting() ) {
			return $none;
		}
		$hurry = static function ( $handle ) use ( $limit_ms ) {
			curl_setopt( $handle, CURLOPT_NOSIGNAL, true );
			curl_setopt( $handle, CURLOPT_CONNECTTIMEOUT_MS, $limit_ms );
			curl_setopt( $handle, CURLOPT_TIMEOUT_MS, $limit_ms );
		};
		if ( '' !== $key ) {
			$headers['X-API-Key'] = $key;
		}
		add_action( 'http_api_curl', $hurry, 1000 );
		$answer = wp_remote_request(
			Opportune_Settings::url() . $path,
			array(
				'method'      => $method,
				'body'        => '' === $body ? null : $body,
				'headers'     => $headers,
				'timeout'     => max( 1, (int) ceil( $limit_ms / 1000 ) ),
				'redirection' => 0,
				'user-agent'  => isset( $headers['User-Agent'] ) ? $headers['User-Agent'] : 'Opportune for WordPress',
				'decompress'  => true,
			)
		);
		remove_action( 'http_api_curl', $hurry, 1000 );
		if ( is_wp_error( $answer ) ) {
			self::rest();
			return $none;
		}
		$status = (int) wp_remote_retrieve_response_code( $answer );
		if ( $status >= 500 ) {
			self::rest();
		}
		$found = wp_remote_retrieve_headers( $answer );
		return array(
			'status'  => $status,
			'body'    => wp_remote_retrieve_body( $answer ),
			'headers' => is_object( $found ) ? $found->getAll() : (array) $found,
		);
	}

	/** So many milliseconds, unless the shop's own code says otherwise. */
	public static function limit( $limit_ms ) {
		return max( 1, (int) apply_filters( 'opportune_limit_ms', $limit_ms ) );
	}

	/** Whether Opportune failed a moment ago; nobody waits for it meanwhile. */
	public static function is_resting() {
		return (int) get_option( self::DOWN, 0 ) > time();
	}

	/** Somebody looks, or changed the settings: ask again at once. */
	public static function wake() {
		delete_option( self::DOWN );
	}

	private static function rest() {
		update_option( self::DOWN, time() + self::REST_SECONDS, true );
	}

	/** An event of this visitor, sent with the others once the page has left. */
	public static function track( $event, $properties, $ids = array(), $more = array() ) {
		self::put( array( 'type' => 'track', 'event' => $event, 'properties' => self::said( $properties ) ) + $more, $ids );
	}

	public static function identify( $traits, $ids ) {
		self::put( array( 'type' => 'identify', 'traits' => self::said( $traits ) ), $ids );
	}

	public static function put( $message, $ids ) {
		$ids = array_filter( $ids + Opportune_Visitor::ids() );
		if ( ! $ids || ! Opportune_Settings::is_ready() || count( self::$waiting ) >= self::MOST_WAITING ) {
			return;
		}
		self::$waiting[] = $message + $ids + array(
			'messageId' => wp_generate_uuid4(),
			'timestamp' => gmdate( 'Y-m-d\TH:i:s' ) . sprintf( '.%03dZ', (int) ( fmod( microtime( true ), 1 ) * 1000 ) ),
			'context'   => array_filter( array( 'page' => Opportune_Page::current(), 'userAgent' => Opportune_Visitor::agent() ) )
				+ array( 'library' => array( 'name' => 'opportune-wordpress' ) ),
		);
	}

	/** Lets the page go to its visitor first; whether that is possible here. */
	private static function has_left() {
		foreach ( array( 'fastcgi_finish_request', 'litespeed_finish_request' ) as $finish ) {
			if ( function_exists( $finish ) ) {
				$finish();
				return true;
			}
		}
		return false;
	}

	/** After the page: the visitor waits for nothing here, or where PHP cannot do that, not for long. */
	public static function send_waiting() {
		if ( ! self::$waiting ) {
			return;
		}
		$batch         = self::$waiting;
		self::$waiting = array();
		self::send( $batch );
	}

	/** Whether they were taken. Without a secret key, what names a customer is only a claim. */
	public static function send( $messages ) {
		$key    = Opportune_Settings::get( 'secret_key' );
		$body   = wp_json_encode( array( 'batch' => $messages, 'sentAt' => gmdate( 'Y-m-d\TH:i:s\Z' ) ) );
		$answer = self::ask( 'POST', '/v1/batch', '' !== $key ? $key : Opportune_Settings::get( 'write_key' ), $body, self::limit( self::has_left() ? self::EVENTS_MS : self::HURRIED_MS ), array( 'Content-Type' => 'application/json' ) );
		return 200 === $answer['status'];
	}

	/** Those that have a value. */
	public static function said( $fields ) {
		return array_filter(
			$fields,
			static function ( $value ) {
				return null !== $value && '' !== $value && array() !== $value;
			}
		);
	}
}
