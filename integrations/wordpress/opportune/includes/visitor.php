<?php
/**
 * Who is here: the id that the page script keeps once the visitor agreed, and the signed-in customer.
 *
 * The id is never made here, since only the page knows what the visitor agreed to. It is given back with the page
 * script (never with a page, which a cache may keep) as a cookie of this server's own, which lasts where a browser
 * cuts short the life of cookies that scripts set.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Visitor {

	const COOKIE  = 'o_id';
	const SECONDS = 34128000;

	/** Empty too where Global Privacy Control takes measuring back, as the page script has it. */
	public static function id() {
		if ( '1' === ( $_SERVER['HTTP_SEC_GPC'] ?? '' ) ) {
			return '';
		}
		$found = isset( $_COOKIE[ self::COOKIE ] ) ? (string) wp_unslash( $_COOKIE[ self::COOKIE ] ) : '';
		return preg_match( '/^[A-Za-z0-9_.:-]{8,200}$/', $found ) ? $found : '';
	}

	/** The same id once more, for as long as a server may ask for. */
	public static function renew() {
		$id = self::id();
		if ( '' === $id || headers_sent() ) {
			return;
		}
		setcookie(
			self::COOKIE,
			$id,
			array(
				'expires'  => time() + self::SECONDS,
				'path'     => '/',
				'secure'   => is_ssl(),
				'httponly' => false, // the page script reads it too.
				'samesite' => 'Lax',
			)
		);
	}

	/** The customer's number, with the shop's prefix; empty for a guest. */
	public static function user_id( $user = 0 ) {
		$user = $user ? $user : get_current_user_id();
		return $user ? Opportune_Settings::get( 'prefix' ) . $user : '';
	}

	/** Staff and robots of the shop's own are nobody's visitors. */
	public static function is_staff() {
		return is_user_logged_in() && current_user_can( 'edit_posts' );
	}

	/** Whom a view or a cart is about: nobody without the id, which is there once the visitor agreed. */
	public static function ids() {
		if ( '' === self::id() || self::is_staff() ) {
			return array();
		}
		$user = '' !== Opportune_Settings::get( 'secret_key' ) ? self::user_id() : '';
		return array( 'anonymousId' => self::id(), 'userId' => $user );
	}

	/** What lets a page speak for its customer. */
	public static function token( $user_id ) {
		$secret = Opportune_Settings::get( 'user_token' );
		return '' !== $secret && '' !== $user_id ? hash_hmac( 'sha256', $user_id, $secret ) : '';
	}

	public static function agent() {
		return isset( $_SERVER['HTTP_USER_AGENT'] ) ? substr( (string) wp_unslash( $_SERVER['HTTP_USER_AGENT'] ), 0, 500 ) : '';
	}
}
