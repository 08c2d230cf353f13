<?php
/**
 * A path of the shop's own, `/o/`, behind which Opportune answers: pages then talk to nobody but the shop.
 *
 * Answered before WordPress does anything else. Only what a page needs passes, and nothing of WordPress' own
 * cookies goes along.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Path {

	const MOST_BYTES = 524288;
	const LIMIT_MS   = 2000;
	const OPEN       = '#^(?:(?:o|forms|preview)\.js|v1/(?:decide|batch|track|identify|page|t|i|p|b))$#D';
	const PASSED     = array( 'Content-Type', 'Accept-Language', 'User-Agent', 'If-None-Match', 'Sec-GPC', 'Purpose', 'Sec-Purpose', 'X-Purpose', 'X-Moz', 'Referer' );
	const GIVEN_BACK = array( 'content-type', 'etag', 'cache-control', 'retry-after' );

	/** `/o/`, or below the folder that WordPress is in. */
	public static function prefix() {
		return rtrim( (string) wp_parse_url( home_url(), PHP_URL_PATH ), '/' ) . '/o/';
	}

	public static function is_on() {
		return 'yes' === Opportune_Settings::get( 'same_path' ) && '' !== (string) get_option( 'permalink_structure' );
	}

	/** Where pages find Opportune. */
	public static function url() {
		return self::is_on() ? home_url( '/o' ) : Opportune_Settings::url();
	}

	public static function answer() {
		$asked = isset( $_SERVER['REQUEST_URI'] ) ? (string) $_SERVER['REQUEST_URI'] : '';
		if ( false === strpos( $asked, '/o/' ) || ! Opportune_Settings::is_ready() || ! self::is_on() ) {
			return;
		}
		$path   = (string) strtok( $asked, '?' );
		$prefix = self::prefix();
		$rest   = substr( $path, strlen( $prefix ) );
		if ( 0 !== strpos( $path, $prefix ) || ! preg_match( self::OPEN, $rest ) ) {
			return;
		}
		// Nothing else of WordPress is loaded yet that this needs.
		self::pass_on( $rest );
		exit;
	}

	private static function pass_on( $rest ) {
		$method = isset( $_SERVER['REQUEST_METHOD'] ) && 'POST' === $_SERVER['REQUEST_METHOD'] ? 'POST' : 'GET';
		$body   = 'POST' === $method ? (string) file_get_contents( 'php://input', false, null, 0, self::MOST_BYTES + 1 ) : '';
		if ( strlen( $body ) > self::MOST_BYTES ) {
			status_header( 413 );
			return;
		}
		$answer = Opportune_Client::ask( $method, '/' . $rest, '', $body, Opportune_Client::limit( self::LIMIT_MS ), self::headers() );
		Opportune_Visitor::renew();
		header( 'X-Content-Type-Options: nosniff' );
		if ( 0 === $answer['status'] ) {
			self::apologize( $rest );
			return;
		}
		status_header( $answer['status'] );
		foreach ( self::GIVEN_BACK as $name ) {
			if ( isset( $answer['headers'][ $name ] ) ) {
				header( $name . ': ' . implode( ', ', (array) $answer['headers'][ $name ] ) );
			}
		}
		if ( 'o.js' === $rest ) {
			// Asked for again on a visitor's second page, by when there is an id to give back.
			header( 'Cache-Control: private, max-age=' . ( '' === Opportune_Visitor::id() ? 0 : 3600 ) );
		}
		if ( 304 !== $answer['status'] ) {
			echo $answer['body']; // phpcs:ignore -- a script or JSON of our own server, with its own type.
		}
	}

	/** Nobody answers: a page gets an empty script, and a script is told to come again. */
	private static function apologize( $rest ) {
		header( 'Cache-Control: no-store' );
		if ( 'o.js' === $rest ) {
			header( 'Content-Type: text/javascript' );
			return;
		}
		status_header( 503 );
		header( 'Retry-After: ' . Opportune_Client::REST_SECONDS );
	}

	private static function headers() {
		$headers = array();
		foreach ( self::PASSED as $name ) {
			$key   = strtoupper( str_replace( '-', '_', $name ) );
			$value = 'Content-Type' === $name ? ( isset( $_SERVER['CONTENT_TYPE'] ) ? $_SERVER['CONTENT_TYPE'] : '' )
				: ( isset( $_SERVER[ "HTTP_$key" ] ) ? $_SERVER[ "HTTP_$key" ] : '' );
			if ( '' !== $value ) {
				$headers[ $name ] = substr( str_replace( array( "\r", "\n" ), '', (string) $value ), 0, 2000 );
			}
		}
		$address = isset( $_SERVER['REMOTE_ADDR'] ) ? (string) $_SERVER['REMOTE_ADDR'] : '';
		if ( '' !== $address ) {
			$headers['X-Forwarded-For'] = $address;
		}
		return $headers;
	}
}
